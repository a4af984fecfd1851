package dev.anneal.run.store;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import dev.anneal.run.config.RunConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Whether a run's disk can hold its checkpoints.
 *
 * @param checkpoint bytes of one
 * @param more checkpoints that there will be at once beside those that are there now; a new one is
 *     whole before the oldest goes
 * @param free bytes that can still be written
 */
public record DiskRoom(Path run, long checkpoint, int more, long free) {
  private static final long MEBIBYTE = 1 << 20;

  /** For a run that is at {@code step}, with {@code there} checkpoints already. */
  public static DiskRoom of(Path run, RunConfig config, long checkpoint, int step, int there) {
    int every = config.intervals().checkpoint();
    int keep = config.intervals().checkpointsKept();
    int made = 1 + (every > 0 ? Math.max(0, config.steps() - step - 1) / every : 0);
    int more = keep > 0 ? Math.min(made, keep + 1 - there) : made;
    return new DiskRoom(run, checkpoint, Math.max(1, more), free(run));
  }

  private static long free(Path run) {
    Path existing = run.toAbsolutePath();
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    try {
      return Files.getFileStore(existing).getUsableSpace();
    } catch (IOException e) {
      throw FileFailures.cannotRead(existing, e);
    }
  }

  /**
   * What to warn of, when there is room for one more checkpoint and not for all.
   *
   * @throws Failure when there is not even room for one
   */
  public Optional<String> check() {
    if (free < checkpoint + MEBIBYTE) {
      throw Failure.failed(
          "the disk of %s has %s free, and a checkpoint of this run takes %s; make room, or name"
                  .formatted(run, bytes(free), bytes(checkpoint))
              + " another disk with "
              + setting("out"));
    }
    if ((free - MEBIBYTE) / more >= checkpoint) {
      return Optional.empty();
    }
    return Optional.of(
        "the disk of %s has %s free, and the run will have %d checkpoints of %s there at once; make"
                .formatted(run, bytes(free), more, bytes(checkpoint))
            + " room, or lower "
            + setting("keep"));
  }

  private static String bytes(long bytes) {
    return bytes < MEBIBYTE ? bytes + " bytes" : bytes / MEBIBYTE + " MiB";
  }
}
