package dev.anneal.run.store;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.checkpoint.CheckpointSearch;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.RunLock;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.RunLog;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Where a new run goes. */
public final class NewRun {
  /** What a run has in its directory before its first checkpoint. */
  private static final Set<String> BEFORE_CHECKPOINTS =
      Set.of(RunLock.NAME, RunLog.EVENTS, RunLog.MAIN, RecordedConfig.FILE, RunNotes.FILE);

  private NewRun() {}

  /**
   * Checks that a run can begin in {@code path}: there is nothing, or only what a run left that
   * ended before its first checkpoint.
   *
   * @throws Failure otherwise; the message says what is there
   */
  public static void requireFree(Path path) {
    if (!Files.exists(path)) {
      return;
    }
    if (!Files.isDirectory(path)) {
      throw Failure.failed(path + " is a file; " + setting("out") + " takes a directory");
    }
    RunLock.requireFree(path);
    if (CheckpointSearch.hasAny(path)) {
      throw Failure.failed(
          path
              + " has a run already; go on with it by "
              + setting("resume")
              + " "
              + path
              + ", or name another");
    }
    others(path).stream()
        .findFirst()
        .ifPresent(
            other -> {
              throw Failure.failed(
                  path
                      + " is not empty: there is "
                      + other
                      + "; name another directory with "
                      + setting("out"));
            });
  }

  private static List<String> others(Path path) {
    try (Stream<Path> files = Files.list(path)) {
      return files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> !BEFORE_CHECKPOINTS.contains(name) && !name.contains(".tmp-"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw FileFailures.cannotRead(path, e);
    }
  }

  static void make(Path path) {
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw new Failure(
          ExitCode.FAILED,
          "the run directory "
              + path
              + " cannot be made: "
              + FileFailures.reason(e)
              + "; name another with "
              + setting("out"),
          e);
    }
  }

  /** Makes the first of {@code parent/run-1}, {@code run-2}, … that is not taken. */
  static Path next(Path parent) {
    try {
      Files.createDirectories(parent);
      for (int i = 1; ; i++) {
        try {
          return Files.createDirectory(parent.resolve("run-" + i));
        } catch (FileAlreadyExistsException e) {
          continue;
        }
      }
    } catch (IOException e) {
      throw new Failure(
          ExitCode.FAILED,
          "no run directory can be made in "
              + parent
              + ": "
              + FileFailures.reason(e)
              + "; name one with "
              + setting("out"),
          e);
    }
  }
}
