package dev.anneal.terminal.command;

import dev.anneal.run.LiveRun;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code rewind}: an earlier step, bit for bit. */
@Command(
    name = "rewind",
    description =
        "Return to an earlier step, bit for bit: from the nearest checkpoint before it, or the"
            + " beginning, every step is made again. The run is paused there; resume repeats what"
            + " came next, and set lr changes it.",
    footer = {"", "Example:", "  rewind 120"})
final class RewindCommand extends ShellCommand {
  @Parameters(paramLabel = "STEP", description = "0 or more, and not after the present one")
  private int step;

  RewindCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    LiveRun run = live();
    int from = run.history().snapshot().step();
    int at = shell().await(run.session().rewind(step));
    if (asJson()) {
      print(EventJson.write(new Event.Rewound(at, from)));
    } else {
      say("paused at step %d, as it was", at);
    }
    return 0;
  }
}
