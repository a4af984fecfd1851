package dev.anneal.terminal.command;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code record}: all that a run says, to a file. */
@Command(
    name = "record",
    description =
        "Write every event of the live run to a file from now on, with pieces of samples and times"
            + " by kind of op; 'record stop' ends it. replay plays it.",
    footer = {"", "Examples:", "  record session.jsonl", "  record stop"})
final class RecordCommand extends ShellCommand {
  @Parameters(paramLabel = "FILE", description = "to write, or stop")
  private Path file;

  RecordCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (file.toString().equals("stop")) {
      Optional<Path> stopped = shell().stopRecord();
      if (asJson()) {
        stopped.ifPresent(f -> print(json("wrote").put("file", f.toString())));
      } else {
        say("%s", stopped.map(f -> "wrote " + f).orElse("nothing was recorded"));
      }
      return 0;
    }
    shell().startRecord(live(), file);
    if (asJson()) {
      print(json("recording").put("file", file.toString()));
    } else {
      say("recording to %s", file);
    }
    return 0;
  }
}
