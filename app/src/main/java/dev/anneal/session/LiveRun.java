package dev.anneal.session;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A run with all that it holds open: device, directory, log, history and session. */
public final class LiveRun implements AutoCloseable {

  /** Where to compute. */
  public record Place(String backend, int device, DeviceOptions options) {
    /** Opens the device; the caller closes it. */
    public Device open() {
      return Devices.open(backend, device, options);
    }
  }

  private volatile Device device;
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
              // To those who listen, a start is one of a run that goes on.
              session.emit(new Event.StateChanged(session.state(), run.step()));
              return to;
            }));
  }

  /** Goes on on another device; the run must be paused or have ended. */
  public CompletableFuture<Event.Changed> use(Place place) {
    return session.atBoundary(
        run -> {
          requirePaused("use");
          Device to = place.open();
          try {
            run.moveTo(to);
          } catch (RuntimeException e) {
            to.close();
            throw e;
          }
          Device from = device;
          device = to;
          Event.Changed changed =
              new Event.Changed(run.step(), "backend", from.info().backend(), to.info().backend());
          from.close();
          tellAgain(run, changed);
          return changed;
        });
  }

  /** Uses other versions of kernels; the run must be paused or have ended. */
  public CompletableFuture<Event.Changed> chooseKernel(String name, int version) {
    return session.atBoundary(
        run -> {
          requirePaused("set kernel");
          String before = "v" + device.kernelVersions().getOrDefault(name, 0);
          run.chooseKernels(Map.of(name, version));
          Event.Changed changed =
              new Event.Changed(run.step(), "kernel " + name, before, "v" + version);
          session.emit(changed);
          return changed;
        });
  }

  private void tellAgain(Run run, Event.Changed changed) {
    Event.State state = session.state();
    session.emit(changed);
    session.emit(run.started());
    run.notes().forEach(session::emit);
    session.emit(new Event.StateChanged(state, run.step()));
  }

  private void requirePaused(String command) {
    if (session.state() == Event.State.RUNNING) {
      throw Failure.usage(name() + " is running; pause it, then " + command);
    }
  }

  /** Waits for what the session does, and fails as it failed. */
  public static <T> T await(CompletableFuture<T> future) {
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
