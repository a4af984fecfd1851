package dev.anneal.run.store;

import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.RunLock;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.RunLog;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.Optional;

/**
 * A run as a list shows it.
 *
 * @param status running, paused, done, stopped, ..., or killed when its log does not tell an end
 * @param holder who trains it now
 * @param saved the step of the newest checkpoint, -1 without one
 * @param modified when its log last was
 * @param bytes of all its files
 */
public record RunOnDisk(
    String name,
    Path path,
    String status,
    Optional<String> holder,
    int saved,
    History history,
    Instant modified,
    long bytes,
    RunNotes notes) {

  /**
   * Reads all of it but the weights.
   *
   * @throws Failure when its log cannot be read
   */
  public static RunOnDisk read(Path run) {
    History history = History.read(run);
    Optional<String> holder = RunLock.holder(run);
    return new RunOnDisk(
        RunCatalog.name(run),
        run,
        status(history.snapshot(), holder.isPresent()),
        holder,
        new CheckpointDirectory(run).latest().map(c -> c.step()).orElse(-1),
        history,
        modified(run),
        bytes(run),
        RunNotes.read(run));
  }

  private static String status(History.Snapshot run, boolean held) {
    if (run.started().isEmpty()) {
      return held ? "running" : "empty";
    }
    return run.ended()
        .map(
            e ->
                switch (e.outcome()) {
                  case COMPLETED -> "done";
                  case TARGET -> "target";
                  case TIME_LIMIT -> "time up";
                  case STOPPED -> "stopped";
                  case NOT_FINITE, DEVICE_LOST, FAILED -> "failed";
                })
        .orElseGet(() -> held ? going(run) : run.branched() ? "branched" : "killed");
  }

  /** A run that ended is held as long as its weights are loaded. */
  private static String going(History.Snapshot run) {
    return run.state().equals(Optional.of(Event.State.PAUSED)) ? "paused" : "running";
  }

  /** When its log last was written to. */
  static Instant modified(Path run) {
    try {
      return Files.getLastModifiedTime(run.resolve(RunLog.EVENTS)).toInstant();
    } catch (IOException e) {
      return Instant.EPOCH;
    }
  }

  /** When its log was begun, as far as the file system knows. */
  static Instant created(Path run) {
    try {
      return Files.readAttributes(run.resolve(RunLog.EVENTS), BasicFileAttributes.class)
          .creationTime()
          .toInstant();
    } catch (IOException e) {
      return Instant.EPOCH;
    }
  }

  private static long bytes(Path run) {
    long[] sum = {0};
    try {
      Files.walkFileTree(
          run,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              sum[0] += attributes.size();
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
              // Deleted meanwhile, as old checkpoints are.
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw FileFailures.cannotRead(run, e);
    }
    return sum[0];
  }
}
