package dev.anneal.session;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A run with all that it holds open: device, directory, log, history and session. */
public final class LiveRun implements AutoCloseable {

  /** Where to compute. */
  public record Place(String backend, int device, DeviceOptions options) {
    Device open() {
      return Devices.open(backend, device, options);
    }
  }

  private final Device device;
  private final RunLog log;
  private final History history;
  private final Session session;
  private volatile Path directory;

  private LiveRun(
      Device device,
      Run run,
      RunDirectory directory,
      Session.Limits limits,
      List<Event.Listener> listeners) {
    this.device = device;
    this.directory = directory.path();
    this.history = History.read(directory.path());
    this.log = new RunLog(directory.path());
    this.session = new Session(run, limits, List.of(log, history));
    listeners.forEach(session::addListener);
  }

  /** A new run; in {@code runs/run-N} unless {@code out} says where. */
  public static LiveRun begin(
      RunConfig config,
      Optional<Path> out,
      Place place,
      Session.Limits limits,
      List<Event.Listener> listeners) {
    Device device = place.open();
    try {
      Corpus corpus = Corpus.open(config, Optional.empty());
      RunDirectory directory =
          out.map(RunDirectory::create).orElseGet(() -> RunDirectory.next(RunCatalog.HOME));
      try {
        Run run = Run.begin(config, corpus, device, Optional.of(directory));
        return new LiveRun(device, run, directory, limits, listeners);
      } catch (RuntimeException e) {
        directory.close();
        throw e;
      }
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  /** A run that goes on from its newest checkpoint, or from the one that {@code path} is. */
  public static LiveRun resume(
      Path path, Place place, Session.Limits limits, List<Event.Listener> listeners) {
    Device device = place.open();
    try {
      RunDirectory directory = RunDirectory.open(path);
      try {
        Checkpoints.Saved checkpoint = directory.newest();
        RunConfig config = checkpoint.config();
        Corpus corpus = Corpus.open(config, checkpoint.corpusFingerprint());
        Run run = Run.resume(config, corpus, device, directory, checkpoint);
        return new LiveRun(device, run, directory, limits, listeners);
      } catch (RuntimeException e) {
        directory.close();
        throw e;
      }
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  public Session session() {
    return session;
  }

  public History history() {
    return history;
  }

  public Path directory() {
    return directory;
  }

  public String name() {
    return RunCatalog.name(directory);
  }

  /**
   * Goes on as a new run beside this one, from the step where it is; this one stays as it is.
   *
   * @param name of the new run's directory, beside this one's
   */
  public Path branch(String name) {
    if (name.isBlank() || name.contains("/") || name.startsWith(".")) {
      throw Failure.usage("'" + name + "' is no name for a run; use letters, digits, - and _");
    }
    Path to = directory.resolveSibling(name);
    return await(
        session.atBoundary(
            run -> {
              RunDirectory made = RunDirectory.create(to);
              Event.Started started = run.branch(made);
              log.branch(to);
              directory = to;
              session.emit(started);
              return to;
            }));
  }

  /** Waits for what the session does, and fails as it failed. */
  public static <T> T await(java.util.concurrent.CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (java.util.concurrent.CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    session.close();
    log.close();
    device.close();
  }
}
