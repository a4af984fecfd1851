package dev.anneal.checkpoint;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds checkpoints: those of a run, or the one that a user named. A checkpoint is whole when every
 * byte of it has the checksum that was saved with it. Nothing is written, and a run may save and
 * delete checkpoints meanwhile.
 */
public final class CheckpointSearch {
  private static final Pattern STEP = Pattern.compile("step_(\\d{1,9})");

  /** So often a run can delete what was just listed before it is taken for a fault. */
  private static final int MOST_ATTEMPTS = 1000;

  private CheckpointSearch() {}

  /**
   * What there is.
   *
   * @param whole the newest whole checkpoint
   * @param damaged newer ones, from the newest on
   */
  public record Found(Optional<Checkpoint> whole, List<DamagedCheckpoint> damaged) {}

  /**
   * The newest whole checkpoint in a run's directory, of the steps that are {@code wanted}.
   *
   * @throws Failure when one cannot be read, which does not mean that it is damaged
   */
  public static Found newest(Path run, IntPredicate wanted) {
    for (int attempt = 0; ; attempt++) {
      List<DamagedCheckpoint> damaged = new ArrayList<>();
      try {
        for (Path path : steps(run).reversed()) {
          Optional<Checkpoint> whole =
              wanted.test(step(path)) ? whole(path, damaged) : Optional.empty();
          if (whole.isPresent()) {
            return new Found(whole, List.copyOf(damaged));
          }
        }
        return new Found(Optional.empty(), List.copyOf(damaged));
      } catch (Deleted e) {
        if (attempt == MOST_ATTEMPTS) {
          throw Failure.failed(e.path + " was deleted while it was being read; try again");
        }
      }
    }
  }

  /** A run has deleted a checkpoint since it was listed. */
  private static final class Deleted extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient Path path;

    Deleted(Path path) {
      super(null, null, false, false);
      this.path = path;
    }
  }

  private static Optional<Checkpoint> whole(Path path, List<DamagedCheckpoint> damaged)
      throws Deleted {
    try {
      return Optional.of(verified(path));
    } catch (Failure e) {
      if (!Files.exists(path)) {
        throw new Deleted(path);
      }
      if (!isDamage(e)) {
        throw e;
      }
      damaged.add(new DamagedCheckpoint(path, e.unspelled()));
      return Optional.empty();
    }
  }

  /**
   * Opens a checkpoint and reads all of it.
   *
   * @throws Failure when it is not as it was saved
   */
  public static Checkpoint verified(Path directory) {
    Checkpoint checkpoint = Checkpoint.open(directory);
    checkpoint.verify();
    int named = step(directory);
    if (named >= 0 && named != checkpoint.step()) {
      throw Failure.failed(
          directory + " is damaged: its manifest is that of step " + checkpoint.step());
    }
    return checkpoint;
  }

  /**
   * Whether what failed is in the checkpoint: a file that may not be read now, or that another
   * version of the program wrote, is not damaged. A disk that returns an error is.
   */
  private static boolean isDamage(Failure e) {
    return !(e.getCause() instanceof IOException cause)
        || cause instanceof EOFException
        || String.valueOf(cause.getMessage()).contains("Input/output error");
  }

  /**
   * The checkpoint that a user means: {@code path} itself, or the newest whole one in it.
   *
   * @param tell hears, in a line each, of newer ones that are damaged
   * @throws Failure when there is none, or the one that was named is damaged
   */
  public static Checkpoint find(Path path, Consumer<String> tell) {
    if (isCheckpoint(path)) {
      return named(path);
    }
    requireDirectory(path);
    Found found = newest(path, step -> true);
    Checkpoint whole = found.whole().orElseThrow(() -> none(path, found.damaged()));
    found.damaged().forEach(damaged -> tell.accept(damaged.skippedFor(whole)));
    return whole;
  }

  /** Whether a path is a checkpoint, also a damaged one, rather than the directory of a run. */
  public static boolean isCheckpoint(Path path) {
    return Files.exists(path.resolve(Manifest.NAME))
        || step(path) >= 0
            && Files.isDirectory(path)
            && !Files.exists(path.resolve(RunLock.NAME))
            && steps(path).isEmpty();
  }

  private static Checkpoint named(Path path) {
    try {
      return verified(path);
    } catch (Failure e) {
      if (!isDamage(e)) {
        throw e;
      }
      Path run = path.toAbsolutePath().normalize().getParent();
      int step = step(path);
      throw Failure.failed(
          e.unspelled()
              + Optional.ofNullable(run)
                  .flatMap(
                      directory ->
                          newest(directory, s -> s < step)
                              .whole()
                              .or(() -> newest(directory, s -> s != step).whole()))
                  .map(next -> "; the next whole one is " + path.resolveSibling(name(next)))
                  .orElse("; there is no whole one beside it"));
    }
  }

  private static String name(Checkpoint checkpoint) {
    return "step_" + checkpoint.step();
  }

  private static void requireDirectory(Path path) {
    if (!Files.isDirectory(path)) {
      throw Failure.failed(
          Files.exists(path)
              ? path + " is no directory; give a run's directory or one of its checkpoints"
              : path + " does not exist; give a run's directory or one of its checkpoints");
    }
  }

  /** Why a run's directory has no checkpoint to give, and what to do. */
  private static Failure none(Path run, List<DamagedCheckpoint> damaged) {
    if (!damaged.isEmpty()) {
      return Failure.failed(
          damaged.getFirst().why()
              + "; "
              + run
              + " has no whole checkpoint: restore one from a copy, or train anew with another"
              + " "
              + setting("out"));
    }
    Optional<String> holder = RunLock.holder(run);
    if (holder.isPresent()) {
      return Failure.failed(
          run
              + " is being trained by "
              + holder.get()
              + ", and has no checkpoint yet; wait for it");
    }
    return Failure.failed(
        run
            + " has no checkpoint: its run ended before the first; begin it again: train "
            + setting("resume")
            + " "
            + run);
  }

  /** Whether there is a checkpoint in a directory, whole or not. */
  public static boolean hasAny(Path run) {
    return !steps(run).isEmpty()
        || children(run).stream()
            .anyMatch(p -> String.valueOf(p.getFileName()).contains(".damaged"));
  }

  /** The directories that are named as checkpoints are, by step. */
  static List<Path> steps(Path run) {
    return children(run).stream()
        .filter(path -> step(path) >= 0)
        .sorted(Comparator.comparingInt(CheckpointSearch::step))
        .toList();
  }

  /** The step that a checkpoint's directory is named after; -1 when it is not named so. */
  static int step(Path path) {
    Matcher matcher = STEP.matcher(String.valueOf(path.getFileName()));
    return matcher.matches() ? Integer.parseInt(matcher.group(1)) : -1;
  }

  static List<Path> children(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.toList();
    } catch (IOException e) {
      throw FileFailures.cannotRead(directory, e);
    }
  }
}
