package dev.anneal.session;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.Checkpoint;
import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.checkpoint.RunLock;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** The directory of one run: its checkpoints, its logs, and the lock of whoever trains it. */
public final class RunDirectory implements AutoCloseable {
  private final Path path;
  private final RunLock lock;
  private final CheckpointDirectory checkpoints;

  private RunDirectory(Path path) {
    this.path = path;
    this.lock = RunLock.acquire(path);
    this.checkpoints = new CheckpointDirectory(path);
    checkpoints.removeLeftovers();
  }

  /**
   * Makes the directory of a new run.
   *
   * @throws Failure when there is a run in it already
   */
  public static RunDirectory create(Path path) {
    try {
      Files.createDirectories(path);
      try (Stream<Path> files = Files.list(path)) {
        if (files.findAny().isPresent()) {
          throw Failure.failed(
              path + " is not empty; go on with its run by --resume " + path + ", or name another");
        }
      }
    } catch (FileAlreadyExistsException e) {
      throw new Failure(ExitCode.FAILED, path + " is a file; --out takes a directory", e);
    } catch (IOException e) {
      throw new Failure(
          ExitCode.FAILED,
          "the run directory "
              + path
              + " cannot be made ("
              + e.getMessage()
              + "); name another with --out",
          e);
    }
    return new RunDirectory(path);
  }

  /** The first of {@code parent/run-1}, {@code run-2}, … that is not taken. */
  public static RunDirectory next(Path parent) {
    try {
      Files.createDirectories(parent);
      for (int i = 1; ; i++) {
        try {
          return new RunDirectory(Files.createDirectory(parent.resolve("run-" + i)));
        } catch (FileAlreadyExistsException e) {
          continue;
        }
      }
    } catch (IOException e) {
      throw new Failure(
          ExitCode.FAILED,
          "no run directory can be made in "
              + parent
              + " ("
              + e.getMessage()
              + "); name one with --out",
          e);
    }
  }

  /** A run's directory, to go on with it. */
  public static RunDirectory open(Path path) {
    CheckpointDirectory.find(path);
    return new RunDirectory(path);
  }

  public Path path() {
    return path;
  }

  public String name() {
    Path name = path.toAbsolutePath().normalize().getFileName();
    return name == null ? path.toString() : name.toString();
  }

  /** The newest whole checkpoint. */
  public Checkpoints.Saved newest() {
    return Checkpoints.Saved.open(CheckpointDirectory.find(path));
  }

  /** The newest whole checkpoint of update {@code step} or of one before. */
  Optional<Checkpoints.Saved> nearest(int step) {
    return checkpoints.list().reversed().stream()
        .filter(checkpoint -> checkpoint.step() <= step)
        .findFirst()
        .map(Checkpoints.Saved::open);
  }

  boolean hasCheckpointAfter(int step) {
    return checkpoints.latest().map(checkpoint -> checkpoint.step() > step).orElse(false);
  }

  Optional<Path> newestCheckpoint() {
    return checkpoints.latest().map(Checkpoint::directory);
  }

  /**
   * Writes a checkpoint; one of this step that is there already has the same weights and is kept,
   * with the configuration as it is now.
   */
  Optional<Event.Saved> save(Run run) {
    ObjectNode meta = Checkpoints.meta(run.config(), Optional.of(run.corpusFingerprint()));
    Optional<Checkpoint> same = checkpoints.at(run.step());
    if (same.isPresent()) {
      if (!same.get().meta().toString().equals(meta.toString())) {
        same.get().describe(meta);
      }
      return Optional.empty();
    }
    long start = System.nanoTime();
    Checkpoint saved =
        checkpoints.publish(run.step(), Checkpoints.files(run.trainer(), run.model()), meta);
    int keep = run.config().intervals().checkpointsKept();
    if (keep > 0) {
      checkpoints.keepNewest(keep);
    }
    return Optional.of(
        new Event.Saved(
            run.step(), saved.directory(), saved.bytes(), (System.nanoTime() - start) / 1e6));
  }

  @Override
  public void close() {
    lock.close();
  }
}
