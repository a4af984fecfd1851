package dev.anneal.run;

import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.RunLog;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.run.store.RunDirectory;
import dev.anneal.run.store.SavedRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** A run in memory alone, until it is told where to keep itself. */
public final class UnsavedRun implements AutoCloseable {
  private final Device device;
  private final Session session;
  private Optional<RunLog> log = Optional.empty();
  private Optional<Path> directory = Optional.empty();

  private UnsavedRun(Device device, Run run, List<Event.Listener> listeners) {
    this.device = device;
    this.session = new Session(run, Session.Limits.NONE, listeners);
  }

  /** A new run, whose session is yet to be started. */
  public static UnsavedRun begin(
      RunConfig config, LiveRun.Place place, List<Event.Listener> listeners) {
    return opened(
        place,
        listeners,
        device -> {
          RunPlans.requireRoom(config, device);
          Corpus corpus = Corpus.open(config, Optional.empty());
          return Run.begin(config, corpus, device, Optional.empty());
        });
  }

  /**
   * The same with the weights of a checkpoint; its first update is 1, and its moments are zero.
   *
   * @param from a run, for its newest checkpoint, or any checkpoint
   * @param config whose model is the checkpoint's
   */
  public static UnsavedRun beginWith(
      Path from, RunConfig config, LiveRun.Place place, List<Event.Listener> listeners) {
    return opened(
        place,
        listeners,
        device -> {
          Checkpoints.Saved weights = SavedRun.checkpoint(from, warning -> {});
          RunConfig own = config.from(weights.asOrigin());
          RunPlans.requireRoom(own, device);
          Corpus corpus = Corpus.open(own, Optional.empty());
          return Run.beginWith(weights, own, corpus, device);
        });
  }

  private static UnsavedRun opened(
      LiveRun.Place place, List<Event.Listener> listeners, Function<Device, Run> run) {
    Device device = place.open();
    try {
      return new UnsavedRun(device, run.apply(device), listeners);
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  public Session session() {
    return session;
  }

  /** Where it is kept; empty while it is not. */
  public Optional<Path> directory() {
    return directory;
  }

  /**
   * Makes the run's directory, with a checkpoint, and a log that begins here. From then on the run
   * is saved there.
   *
   * @throws Failure when there is something in it
   */
  public void keepIn(Path path) {
    LiveRun.await(
        session.atBoundary(
            run -> {
              RunDirectory made = RunDirectory.create(path);
              run.keepIn(made);
              made.record(run);
              RunLog begun =
                  new RunLog(path, () -> true, text -> session.emit(new Event.Warning(text)));
              begun.on(run.started());
              session.addListener(begun);
              log = Optional.of(begun);
              directory = Optional.of(path);
              return path;
            }));
    LiveRun.await(session.save());
  }

  @Override
  public void close() {
    session.close();
    log.ifPresent(RunLog::close);
    device.close();
  }
}
