package dev.anneal.run;

import dev.anneal.data.ReadingProgress;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.RunLog;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.run.store.DiskRoom;
import dev.anneal.run.store.NewRun;
import dev.anneal.run.store.RecordedConfig;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.run.store.RunDirectory;
import dev.anneal.run.store.SavedRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** A run with all that it holds open: device, directory, log, history and session. */
public final class LiveRun implements AutoCloseable {

  /** Where to compute. */
  public record Place(String backend, int device, DeviceOptions options) {
    /** A backend as it is written: {@code opencl}, or {@code opencl:1} for its device 1. */
    public static Place parse(String text, DeviceOptions options) {
      int colon = text.indexOf(':');
      try {
        return colon < 0
            ? new Place(text, 0, options)
            : new Place(
                text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)), options);
      } catch (NumberFormatException e) {
        throw Failure.usage(
            "'" + text + "' names no device; expected NAME or NAME:N, such as opencl:1");
      }
    }

    /** Opens the device; the caller closes it. */
    public Device open() {
      return Devices.open(backend, device, options);
    }

    /** By itself, a run that goes on stays on the backend that it was on, where that is here. */
    Place of(Path run) {
      return backend.equals(AutomaticBackend.NAME)
          ? History.read(run)
              .snapshot()
              .started()
              .map(Event.Started::backend)
              .filter(Devices::isHere)
              .map(last -> new Place(last, device, options))
              .orElse(this)
          : this;
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
    history.problem().ifPresent(directory::warn);
    this.log = new RunLog(directory.path(), () -> !run.isLookedAt(), this::warn);
    this.session = new Session(run, limits, List.of(log, history));
    listeners.forEach(session::addListener);
  }

  private void warn(String text) {
    session.emit(new Event.Warning(text));
  }

  /** A new run; in {@code runs/run-N} unless {@code out} says where. */
  public static LiveRun begin(
      RunConfig config,
      Optional<Path> out,
      Place place,
      Session.Limits limits,
      List<Event.Listener> listeners) {
    out.ifPresent(NewRun::requireFree);
    return opened(
        place,
        device -> {
          RunPlans.requireRoom(config, device);
          Corpus corpus = Corpus.open(config, Optional.empty(), reading(listeners));
          Run run = Run.begin(config, corpus, device, Optional.empty());
          return closing(
              run,
              () -> {
                Optional<String> room = room(run, out.orElse(RunCatalog.HOME), 0);
                RunDirectory directory =
                    out.map(RunDirectory::create)
                        .orElseGet(() -> RunDirectory.next(RunCatalog.HOME));
                run.keepIn(directory);
                directory.record(run);
                room.ifPresent(directory::warn);
                return new LiveRun(device, run, directory, limits, listeners);
              });
        });
  }

  /**
   * A run that goes on from its newest checkpoint, or from its beginning when it has none.
   *
   * @param path of the run, or of its newest checkpoint
   */
  public static LiveRun resume(
      Path path, Place place, Session.Limits limits, List<Event.Listener> listeners) {
    return resume(path, Continuation.SAME, place, limits, listeners);
  }

  /** The same, with what {@code differently} says from here on. */
  public static LiveRun resume(
      Path path,
      Continuation differently,
      Place place,
      Session.Limits limits,
      List<Event.Listener> listeners) {
    return opened(
        place.of(path),
        device -> {
          RunDirectory directory = RunDirectory.open(path);
          return closing(
              directory,
              () -> {
                Opened opened = open(directory, differently, device, listeners);
                Run run = opened.run();
                return closing(
                    run,
                    () -> {
                      room(run, directory.path(), directory.count()).ifPresent(directory::warn);
                      if (!run.config().equals(opened.saved())) {
                        // At once, so that a run that is killed goes on as it was told to.
                        directory.describe(run);
                      }
                      LiveRun live = new LiveRun(device, run, directory, limits, listeners);
                      differently
                          .changes(opened.saved(), run.config(), run.step())
                          .forEach(live::tell);
                      return live;
                    });
              });
        });
  }

  /** Among the first words of the session. */
  private void tell(Event.Changed change) {
    session.atBoundary(
        run -> {
          session.emit(change);
          return change;
        });
  }

  /**
   * A run that goes on.
   *
   * @param saved its configuration until now
   */
  private record Opened(Run run, RunConfig saved) {}

  private static Opened open(
      RunDirectory directory,
      Continuation differently,
      Device device,
      List<Event.Listener> listeners) {
    Optional<Checkpoints.Saved> newest = directory.newest();
    if (newest.isPresent()) {
      Checkpoints.Saved saved = newest.get();
      RunConfig config = differently.of(saved.config(), saved.step());
      config.data().requireThere(directory.path());
      RunPlans.requireRoom(config, device);
      Corpus corpus = Corpus.open(config, saved.corpusFingerprint(), reading(listeners));
      return new Opened(Run.resume(config, corpus, device, directory, saved), saved.config());
    }
    RecordedConfig recorded = directory.recorded();
    RunConfig config = differently.of(recorded.config(), 0);
    config.data().requireThere(directory.path());
    RunPlans.requireRoom(config, device);
    Corpus corpus = Corpus.open(config, recorded.corpusFingerprint(), reading(listeners));
    Run run = Run.begin(config, corpus, device, Optional.of(directory));
    return new Opened(run, recorded.config());
  }

  /**
   * A new run that begins with the weights of a checkpoint: its first update is 1, its moments are
   * zero, and all else is as {@code config} says.
   *
   * @param from a run, for its newest checkpoint, or any checkpoint
   * @param config made of what was saved; the model must stay
   */
  public static LiveRun beginWith(
      Path from,
      Path to,
      Function<Checkpoints.Saved, RunConfig> config,
      Place place,
      Session.Limits limits,
      List<Event.Listener> listeners) {
    NewRun.requireFree(to);
    List<String> warnings = new ArrayList<>();
    return opened(
        place,
        device -> {
          Checkpoints.Saved weights = SavedRun.checkpoint(from, warnings::add);
          RunConfig own = config.apply(weights).from(weights.asOrigin());
          RunPlans.requireRoom(own, device);
          Corpus corpus = Corpus.open(own, Optional.empty(), reading(listeners));
          Run run = Run.beginWith(weights, own, corpus, device);
          return closing(
              run,
              () -> {
                Optional<String> room = room(run, to, 0);
                RunDirectory directory = RunDirectory.create(to);
                run.keepIn(directory);
                directory.record(run);
                directory.save(run, false);
                room.ifPresent(directory::warn);
                warnings.forEach(directory::warn);
                return new LiveRun(device, run, directory, limits, listeners);
              });
        });
  }

  /**
   * A new run that goes on from a checkpoint of another one, which stays as it is.
   *
   * @param from the other run, for its newest checkpoint, or any checkpoint
   * @param to the new run's directory
   * @param differently what changes from here on
   * @param change of the configuration that comes of it; the model must stay
   */
  public static LiveRun branch(
      Path from,
      Path to,
      Continuation differently,
      UnaryOperator<RunConfig> change,
      Place place,
      Session.Limits limits,
      List<Event.Listener> listeners) {
    NewRun.requireFree(to);
    List<String> warnings = new ArrayList<>();
    return opened(
        place,
        device -> {
          Checkpoints.Saved saved = SavedRun.checkpoint(from, warnings::add);
          RunConfig config = change.apply(differently.of(saved.config(), saved.step()));
          Optional<String> sameData =
              saved.corpusFingerprint().filter(f -> config.data().equals(saved.config().data()));
          RunPlans.requireRoom(config, device);
          Corpus corpus = Corpus.open(config, sameData, reading(listeners));
          RunDirectory directory = RunDirectory.create(to);
          return closing(
              directory,
              () -> {
                Run run = Run.resume(config, corpus, device, directory, saved);
                return closing(
                    run,
                    () -> {
                      room(run, to, 0).ifPresent(directory::warn);
                      warnings.forEach(directory::warn);
                      directory.record(run);
                      directory.save(run, false);
                      RunLog.copy(SavedRun.runOf(saved), to);
                      return new LiveRun(device, run, directory, limits, listeners);
                    });
              });
        });
  }

  /**
   * A run to look at: nothing in its directory changes, and it is not locked, until it goes on, is
   * saved, or a setting is changed. {@link #look()} begins it.
   *
   * @param path of the run, or of its newest checkpoint
   */
  public static LiveRun open(Path path, Place place, List<Event.Listener> listeners) {
    return open(path, Continuation.SAME, place, listeners);
  }

  /** The same, with what {@code differently} says from here on. */
  public static LiveRun open(
      Path path, Continuation differently, Place place, List<Event.Listener> listeners) {
    return opened(
        place.of(path),
        device -> {
          RunDirectory directory = RunDirectory.look(path);
          Run run = open(directory, differently, device, listeners).run();
          return closing(
              run, () -> new LiveRun(device, run, directory, Session.Limits.NONE, listeners));
        });
  }

  /** Begins without a word to the log: paused, or ended as the run was when it was left. */
  public void look() {
    Optional<Event.Ended> last = history.snapshot().ended();
    Event.Started started = session.run().started();
    history.on(started);
    log.on(started);
    boolean done = started.step() >= started.steps();
    Event.Ended end =
        last.filter(e -> e.step() == started.step())
            .orElse(
                new Event.Ended(
                    Event.Outcome.COMPLETED,
                    started.step(),
                    Optional.empty(),
                    Optional.empty(),
                    0,
                    Optional.empty()));
    history.on(done ? end : new Event.StateChanged(Event.State.PAUSED, started.step()));
    session.startLooking(done ? Optional.of(end) : Optional.empty());
  }

  private static Optional<String> room(Run run, Path path, int there) {
    return DiskRoom.of(path, run.config(), run.checkpointBytes(), run.step(), there).check();
  }

  private static LiveRun opened(Place place, Function<Device, LiveRun> open) {
    Device device = place.open();
    return closing(device, () -> open.apply(device));
  }

  /** Closes what was opened for a run when there is none in the end. */
  private static LiveRun closing(AutoCloseable opened, Supplier<LiveRun> rest) {
    boolean taken = false;
    try {
      LiveRun run = rest.get();
      taken = true;
      return run;
    } finally {
      if (!taken) {
        closeQuietly(opened);
      }
    }
  }

  private static void closeQuietly(AutoCloseable opened) {
    try {
      opened.close();
    } catch (Exception e) {
      // What failed before is what is told.
    }
  }

  private static ReadingProgress reading(List<Event.Listener> listeners) {
    return ReadingProgress.everyHalfSecond(
        (name, done, all) ->
            listeners.forEach(listener -> listener.on(new Event.Reading(name, done, all))));
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
  public Event.Branched branch(String name) {
    if (name.isBlank() || name.contains("/") || name.startsWith(".")) {
      throw Failure.usage("'" + name + "' is no name for a run; use letters, digits, - and _");
    }
    Path to = directory.resolveSibling(name);
    return await(
        session.atBoundary(
            run -> {
              RunDirectory made = RunDirectory.create(to);
              Event.Started started = run.branch(made);
              made.record(run);
              log.branch(to, run.step());
              directory = to;
              session.emit(started);
              // To those who listen, a start is one of a run that goes on.
              session.emit(new Event.StateChanged(session.state(), run.step()));
              return new Event.Branched(run.step(), to);
            }));
  }

  /** Goes on on another device; the run must be paused or have ended. */
  public CompletableFuture<Event.Changed> use(Place place) {
    return session.atBoundary(
        "opening " + place.backend(),
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
