package dev.anneal.run.store;

import static dev.anneal.failure.Spelling.setting;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.Checkpoint;
import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.checkpoint.CheckpointSearch;
import dev.anneal.checkpoint.DamagedCheckpoint;
import dev.anneal.checkpoint.RunLock;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The directory of one run: its checkpoints, its logs, and the lock of whoever trains it. One that
 * is only looked at is not locked, and nothing in it changes.
 */
public final class RunDirectory implements AutoCloseable {
  private final Path path;
  private final CheckpointDirectory checkpoints;
  private final List<String> warnings = new ArrayList<>();
  private volatile Optional<RunLock> lock = Optional.empty();
  private int seen = -1;

  private RunDirectory(Path path) {
    this.path = path;
    this.checkpoints = new CheckpointDirectory(path);
  }

  private static RunDirectory locked(Path path) {
    RunDirectory directory = new RunDirectory(path);
    directory.lock();
    return directory;
  }

  private void lock() {
    lock = Optional.of(RunLock.acquire(path));
    checkpoints.removeLeftovers();
  }

  /**
   * Makes the directory of a new run, or takes one in which a run ended before its first
   * checkpoint.
   *
   * @throws Failure when there is a run in it already, or anything else
   */
  public static RunDirectory create(Path path) {
    NewRun.requireFree(path);
    NewRun.make(path);
    return locked(path);
  }

  /** The first of {@code parent/run-1}, {@code run-2}, … that is not taken. */
  public static RunDirectory next(Path parent) {
    return locked(NewRun.next(parent));
  }

  /**
   * A run's directory, to go on with it.
   *
   * @param path of a run, or of its newest checkpoint
   * @throws Failure when another process goes on with it, or to go on from the checkpoint would
   *     contradict later ones
   */
  public static RunDirectory open(Path path) {
    return locked(SavedRun.toGoOnWith(path));
  }

  /**
   * A run's directory, to look at it. It is locked when something is to be written.
   *
   * @param path of a run, or of its newest checkpoint
   */
  public static RunDirectory look(Path path) {
    return new RunDirectory(SavedRun.toGoOnWith(path));
  }

  public Path path() {
    return path;
  }

  public String name() {
    return RunCatalog.name(path);
  }

  public boolean isLocked() {
    return lock.isPresent();
  }

  /**
   * Sees to it that this process may write here, and no other.
   *
   * @throws Failure when another process goes on with the run, or has gone on with it
   */
  public void beginWriting() {
    if (isLocked()) {
      return;
    }
    lock();
    int loaded = seen;
    int newest = newest().map(Checkpoints.Saved::step).orElse(-1);
    if (newest != loaded) {
      close();
      throw Failure.failed(
          path + " has gone on to step " + newest + " since it was loaded; load it again");
    }
  }

  /**
   * The newest whole checkpoint; empty when there is none at all.
   *
   * @throws Failure when there are only damaged ones
   */
  public Optional<Checkpoints.Saved> newest() {
    CheckpointSearch.Found found = CheckpointSearch.newest(path, step -> true);
    requireWholeOrNone(found);
    seen = found.whole().map(Checkpoint::step).orElse(-1);
    return passedOver(found);
  }

  /**
   * The newest whole checkpoint of update {@code step} or of one before; empty for the beginning.
   *
   * @param origin the first update that is of use; empty when the beginning is as good
   * @throws Failure when there is none of use
   */
  public Optional<Checkpoints.Saved> nearest(Optional<Integer> origin, int step) {
    CheckpointSearch.Found found =
        CheckpointSearch.newest(path, s -> s <= step && s >= origin.orElse(0));
    if (origin.isPresent()) {
      requireWholeOrNone(found);
      if (found.whole().isEmpty()) {
        throw Failure.failed(
            "the checkpoints of %s up to step %d are deleted, and it began at step %d with weights or"
                    .formatted(path, step, origin.get())
                + " settings from elsewhere; rewind it to a later step");
      }
    }
    return passedOver(found);
  }

  private static void requireWholeOrNone(CheckpointSearch.Found found) {
    if (found.whole().isEmpty() && !found.damaged().isEmpty()) {
      throw Failure.failed(
          found.damaged().getFirst().why()
              + "; there is no whole checkpoint before it: restore one from a copy, or train anew"
              + " with another "
              + setting("out"));
    }
  }

  /** Damaged checkpoints that are newer are set aside, and there is a warning of each. */
  private Optional<Checkpoints.Saved> passedOver(CheckpointSearch.Found found) {
    String from = found.whole().map(whole -> "step " + whole.step()).orElse("the beginning");
    found.damaged().forEach(damaged -> setAside(damaged, "going on from " + from));
    return found.whole().map(Checkpoints.Saved::of);
  }

  private void setAside(DamagedCheckpoint damaged, String then) {
    String where = "";
    if (lock.isPresent()) {
      where = "it is now " + checkpoints.setAside(damaged.directory()).getFileName() + ", ";
    }
    warnings.add(damaged.why() + "; " + where + then);
  }

  public void warn(String text) {
    warnings.add(text);
  }

  /** Keeps what the run was begun with. */
  public void record(Kept run) {
    new RecordedConfig(run.config(), Optional.of(run.corpusFingerprint())).write(path);
  }

  /** Says in the newest checkpoint, of this step, how the run goes on. */
  public void describe(Kept run) {
    if (newestCheckpoint().isPresent()) {
      save(run, false);
    } else {
      record(run);
    }
  }

  /**
   * What the run was begun with.
   *
   * @throws Failure when that was not recorded
   */
  public RecordedConfig recorded() {
    return RecordedConfig.read(path)
        .orElseThrow(
            () ->
                Failure.failed(
                    path
                        + " has no checkpoint, and what it was begun with is not recorded; begin it"
                        + " anew: train "
                        + setting("out")
                        + " "
                        + path));
  }

  /** How many checkpoints there are. */
  public int count() {
    return checkpoints.list().size();
  }

  /** What there is to warn of since this was last asked. */
  public List<String> takeWarnings() {
    List<String> taken = List.copyOf(warnings);
    warnings.clear();
    return taken;
  }

  public boolean hasCheckpointAfter(int step) {
    return checkpoints.latest().map(checkpoint -> checkpoint.step() > step).orElse(false);
  }

  public Optional<Path> newestCheckpoint() {
    return checkpoints.latest().map(Checkpoint::directory);
  }

  /**
   * Writes a checkpoint; one of this step that is there already has the same weights and is kept,
   * with the configuration as it is now. Older ones are deleted as the configuration says, unless
   * the run has {@code failed}: where it went wrong may be before the newest.
   *
   * @throws Failure when it cannot be written
   */
  public Optional<Event.Saved> save(Kept run, boolean failed) {
    beginWriting();
    ObjectNode meta = run.meta();
    Optional<Checkpoint> same = same(run.step());
    if (same.isPresent()) {
      if (!same.get().meta().toString().equals(meta.toString())) {
        same.get().describe(meta);
      }
      return Optional.empty();
    }
    long start = System.nanoTime();
    Checkpoint saved = checkpoints.publish(run.step(), run.files(), meta);
    int keep = run.config().intervals().checkpointsKept();
    if (keep > 0 && !failed) {
      warnings.addAll(checkpoints.keepNewest(keep, run.step()));
    }
    return Optional.of(
        new Event.Saved(
            run.step(), saved.directory(), saved.bytes(), (System.nanoTime() - start) / 1e6));
  }

  /** A whole checkpoint of the step; a damaged one makes room for a new one. */
  private Optional<Checkpoint> same(int step) {
    Path there = path.resolve("step_" + step);
    if (!Files.exists(there)) {
      return Optional.empty();
    }
    CheckpointSearch.Found found = CheckpointSearch.newest(path, s -> s == step);
    found.damaged().forEach(damaged -> setAside(damaged, "saving it anew"));
    if (found.whole().isEmpty() && found.damaged().isEmpty()) {
      setAside(new DamagedCheckpoint(there, there + " is no checkpoint"), "saving one");
    }
    return found.whole();
  }

  @Override
  public void close() {
    lock.ifPresent(RunLock::close);
    lock = Optional.empty();
  }
}
