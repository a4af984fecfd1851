package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.setting.Nearest;
import dev.anneal.terminal.shell.Language;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code help}: the commands, or one of them. */
@Command(
    name = "help",
    description = "List the commands, or explain one.",
    footer = {"", "Example:", "  help sample"})
final class HelpCommand extends ShellCommand {
  @Parameters(arity = "0..1", paramLabel = "COMMAND", description = "all by default")
  private Optional<String> command = Optional.empty();

  HelpCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    Map<String, CommandLine> commands = Language.line(shell()).getSubcommands();
    if (command.isEmpty()) {
      commands.forEach(this::list);
      if (!asJson()) {
        say("");
        say("COMMAND --help explains one, apropos WORD finds some.");
      }
      return 0;
    }
    CommandLine line = commands.get(command.get());
    if (line == null) {
      throw Failure.usage(
          "there is no command "
              + command.get()
              + Nearest.to(command.get().toLowerCase(Locale.ROOT), commands.keySet()));
    }
    String usage = line.getUsageMessage(CommandLine.Help.Ansi.OFF);
    if (asJson()) {
      print(json("help").put("command", command.get()).put("text", usage));
    } else {
      out().print(usage);
      out().flush();
    }
    return 0;
  }

  private void list(String name, CommandLine line) {
    if (asJson()) {
      print(json("command").put("name", name).put("description", Language.summary(line)));
    } else {
      say("%-11s %s", name, Language.summary(line));
    }
  }
}
