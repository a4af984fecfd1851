package dev.anneal.terminal.command;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.PathName;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;

/** All commands: one is a class and a line here. */
public final class Commands {
  private Commands() {}

  /** Adds every command, in the order in which help lists them. */
  public static void addTo(CommandLine line, Shell shell) {
    List<ShellCommand> commands =
        List.of(
            new TrainCommand(shell),
            new SampleCommand(shell),
            new ChatCommand(shell),
            new DashboardCommand(shell),
            new PlotCommand(shell),
            new StatusCommand(shell),
            new RunsCommand(shell),
            new PlanCommand(shell),
            new BenchCommand(shell),
            new VerifyCommand(shell),
            new SelfTestCommand(shell),
            new ImportCommand(shell),
            new ExportCommand(shell),
            new TokenizeCommand(shell),
            new DetokenizeCommand(shell),
            new CompareCommand(shell),
            new BackendsCommand(shell),
            new JShellCommand(shell),
            new ReplayCommand(shell),
            new Steering.Pause(shell),
            new Steering.Resume(shell),
            new Steering.Step(shell),
            new Steering.Stop(shell),
            new Steering.Wait(shell),
            new UseCommand(shell),
            new SetCommand(shell),
            new ShowCommand(shell),
            new InspectCommand(shell),
            new RewindCommand(shell),
            new BranchCommand(shell),
            new LoadCommand(shell),
            new SaveCommand(shell),
            new RecordCommand(shell),
            new WatchCommand(shell),
            new TimeCommand(shell),
            new SourceCommand(shell),
            new AliasCommand(shell),
            new HistoryCommand(shell),
            new HelpCommand(shell),
            new AproposCommand(shell),
            new QuitCommand(shell));
    commands.forEach(line::addSubcommand);
    for (String before : List.of("watch", "time", "alias")) {
      // What follows is another command, with options of its own.
      requireNonNull(line.getSubcommands().get(before)).setStopAtPositional(true);
    }
    line.registerConverter(Path.class, PathName::of);
    // A prompt may begin with @, which is no file of arguments.
    line.setExpandAtFiles(false);
  }
}
