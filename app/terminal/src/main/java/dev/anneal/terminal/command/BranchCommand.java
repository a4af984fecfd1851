package dev.anneal.terminal.command;

import dev.anneal.run.LiveRun;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code branch}: another future. */
@Command(
    name = "branch",
    description =
        "Go on from the present step as a new run in a directory beside this one; this run stays as"
            + " it was saved.",
    footer = {"", "Example:", "  rewind 400; branch warmer; set lr 8e-3; resume"})
final class BranchCommand extends ShellCommand {
  @Parameters(paramLabel = "NAME", description = "of the new run")
  private String name;

  BranchCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    LiveRun run = live();
    String before = run.name();
    Event.Branched branched = run.branch(name);
    if (asJson()) {
      print(EventJson.write(branched));
    } else {
      say(
          "%s goes on from step %d as %s; %s stays as it was saved",
          before, branched.step(), branched.to(), before);
    }
    return 0;
  }
}
