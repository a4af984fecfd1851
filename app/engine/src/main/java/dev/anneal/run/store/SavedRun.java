package dev.anneal.run.store;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.checkpoint.Checkpoint;
import dev.anneal.checkpoint.CheckpointSearch;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.RunLock;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.RunLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.function.Consumer;

/** What a path that a user gave means, of the runs that are on disk. */
public final class SavedRun {
  private SavedRun() {}

  /**
   * The checkpoint that a user means, to read it: {@code path} itself, or the newest whole one of
   * the run that it is.
   *
   * @param tell hears, in a line each, of newer ones that are damaged
   * @throws Failure when there is none, or the one that was named is damaged
   */
  public static Checkpoints.Saved checkpoint(Path path, Consumer<String> tell) {
    if (CheckpointSearch.isCheckpoint(path)) {
      return Checkpoints.Saved.of(CheckpointSearch.find(path, tell));
    }
    requireRun(path);
    return Checkpoints.Saved.of(CheckpointSearch.find(path, tell)).asNewestIn(path);
  }

  /**
   * The run to go on with: {@code path}, or the run whose newest checkpoint it is.
   *
   * @throws Failure when it is neither; when it is an earlier checkpoint, the message says how to
   *     go on from there
   */
  static Path toGoOnWith(Path path) {
    if (!CheckpointSearch.isCheckpoint(path)) {
      requireRun(path);
      return path;
    }
    Checkpoint named = CheckpointSearch.find(path, warning -> {});
    Path run =
        Optional.ofNullable(path.getParent())
            .orElseGet(() -> Optional.ofNullable(path.toAbsolutePath().getParent()).orElse(path));
    if (!wasBegun(run)) {
      throw Failure.failed(
          path + " is a checkpoint outside of a run; go on from it as a new run:" + toBranch(path));
    }
    int newest =
        CheckpointSearch.newest(run, step -> true).whole().map(Checkpoint::step).orElse(-1);
    if (newest != named.step()) {
      throw Failure.failed(
          path
              + " is not the newest checkpoint of its run, which has step "
              + newest
              + "; go on from there: train "
              + setting("resume")
              + " "
              + run
              + ", or from here as a new run:"
              + toBranch(path));
    }
    return run;
  }

  /** Where a checkpoint is. */
  public static Path runOf(Checkpoints.Saved saved) {
    return Optional.ofNullable(saved.files().directory().toAbsolutePath().getParent())
        .orElse(saved.files().directory());
  }

  private static String toBranch(Path checkpoint) {
    return " train " + setting("resume") + " " + checkpoint + " " + setting("out") + " NEW";
  }

  private static boolean wasBegun(Path path) {
    return Files.exists(path.resolve(RunLog.EVENTS))
        || RunLock.isIn(path)
        || Files.exists(path.resolve(RecordedConfig.FILE));
  }

  /** A run's directory has a log or a lock, or a checkpoint at least. */
  static boolean looksLikeRun(Path path) {
    return wasBegun(path) || CheckpointSearch.hasAny(path);
  }

  private static void requireRun(Path path) {
    requireDirectory(path);
    if (!looksLikeRun(path)) {
      throw Failure.failed(
          path + " has no run and no checkpoint in it; 'runs' lists what there is");
    }
  }

  /** What may not be looked at is not said to be missing. */
  static void requireDirectory(Path path) {
    try {
      if (!Files.readAttributes(path, BasicFileAttributes.class).isDirectory()) {
        throw Failure.failed(
            path + " is no directory; give a run's directory or one of its checkpoints");
      }
    } catch (NoSuchFileException e) {
      throw Failure.failed(
          path + " does not exist; give a run's directory or one of its checkpoints");
    } catch (IOException e) {
      throw FileFailures.cannotRead(path, e);
    }
  }
}
