package dev.anneal.terminal.command;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.run.log.RunLog;
import dev.anneal.terminal.option.OutputOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code record}: all that a run says, to a file. */
@Command(
    name = "record",
    description =
        "Write every event of the live run to a file from now on, with pieces of samples and times"
            + " by kind of op; 'record stop' ends it. replay plays it.",
    footer = {"", "Examples:", "  record session.jsonl", "  record stop"})
final class RecordCommand extends ShellCommand {
  @Parameters(paramLabel = "FILE", description = "to write, - for standard output, or stop")
  private Path file;

  @Mixin private OutputOptions output;

  RecordCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (file.toString().equals("stop")) {
      output.requireFile(false);
      Optional<Path> stopped = shell().stopRecord();
      if (asJson()) {
        stopped.ifPresent(f -> print(json("wrote").put("file", f.toString())));
      } else {
        say("%s", stopped.map(f -> "wrote " + f).orElse("nothing was recorded"));
      }
      return 0;
    }
    LiveRun run = live();
    requireNoLog();
    OutputFile target = output.file(shell(), file, WrittenContent.RECORD);
    shell().startRecord(run, target);
    wrote(target, json("recording").put("file", file.toString()), "recording to " + file);
    return 0;
  }

  /** A log looks like a record, and no record is worth a run's log. */
  private void requireNoLog() {
    try {
      if (Files.exists(file) && file.toRealPath().getFileName().toString().equals(RunLog.EVENTS)) {
        throw Failure.failed(file + " is the log of a run; name another file for the record");
      }
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file, e);
    }
  }
}
