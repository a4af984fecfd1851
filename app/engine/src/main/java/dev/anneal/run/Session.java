package dev.anneal.run;

import dev.anneal.failure.Failure;
import dev.anneal.failure.Spelling;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.Event.Outcome;
import dev.anneal.run.log.Event.State;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * A run on its own thread. Front ends steer it with commands, which take effect between two steps,
 * and hear {@link Event}s; they never touch the run itself. When the run has ended, the thread goes
 * on obeying: its weights can be sampled, inspected, saved and rewound until it is closed.
 */
public final class Session implements AutoCloseable {

  /**
   * When a run ends before its schedule does.
   *
   * @param time from the start of the session
   */
  public record Limits(Optional<Until> until, Optional<Duration> time) {
    public static final Limits NONE = new Limits(Optional.empty(), Optional.empty());

    boolean isReached(Until.Metric metric, double value) {
      return until.map(condition -> condition.reached(metric, value)).orElse(false);
    }

    boolean isTimeUp(long start) {
      return time.isPresent() && System.nanoTime() - start >= time.get().toNanos();
    }
  }

  private final Run run;
  private final Requests requests = new Requests();
  private final Listeners listeners;
  private final TrainingLoop loop;
  private final Thread thread;
  private volatile SamplingSettings sampling;

  public Session(Run run, Limits limits, List<Event.Listener> listeners) {
    this.run = run;
    this.sampling = SamplingSettings.defaults(run.config().seed());
    this.listeners = new Listeners(listeners);
    this.loop = new TrainingLoop(run, limits, requests, this.listeners, this::sampling);
    this.thread = Thread.ofPlatform().name("anneal-run").daemon().unstarted(loop::work);
  }

  /** Begins to train. */
  public void start() {
    loop.begin(State.RUNNING);
    thread.start();
  }

  /** Begins, and waits for commands. */
  public void startPaused() {
    loop.begin(State.PAUSED);
    thread.start();
  }

  /**
   * Begins for those who look at a run: nothing is said, and nothing written until a step is made
   * or something is changed.
   *
   * @param last how the run ended, when it has made all its steps
   */
  void startLooking(Optional<Event.Ended> last) {
    loop.beginSilently(last);
    thread.start();
  }

  /** Whether nothing would be lost if it were closed, since the run is only looked at. */
  public boolean isLooking() {
    return run.isLookedAt();
  }

  /** For those who begin it; later, only between two steps. */
  Run run() {
    return run;
  }

  public State state() {
    return loop.state();
  }

  /** What the run's thread does at the moment; empty while it waits for commands. */
  public Optional<Activity> activity() {
    return loop.activity();
  }

  /** How a prompt is continued when it does not say. */
  public SamplingSettings sampling() {
    return sampling;
  }

  void setSampling(SamplingSettings settings) {
    sampling = settings;
  }

  public void addListener(Event.Listener listener) {
    listeners.add(listener);
  }

  public void removeListener(Event.Listener listener) {
    listeners.remove(listener);
  }

  /** Waits for the end of the run. */
  public Event.Ended await() {
    return end().join();
  }

  /** The end of the run; when it goes on after that, the next call gives the next end. */
  public CompletableFuture<Event.Ended> end() {
    return loop.end();
  }

  /** When the step is over, nothing more happens until a command comes. */
  public CompletableFuture<Integer> pause() {
    return atBoundary(
        r -> {
          loop.pause();
          return r.step();
        });
  }

  /** Goes on; also after the end, when the run was rewound or more steps are left. */
  public CompletableFuture<Integer> resume() {
    return atBoundary(
        r -> {
          loop.resume();
          return r.step();
        });
  }

  /**
   * Makes {@code count} steps and pauses.
   *
   * @return the step after these, when they are made
   */
  public CompletableFuture<Integer> step(int count) {
    CompletableFuture<Integer> done = new CompletableFuture<>();
    atBoundary(
            r -> {
              loop.step(count, done);
              return r.step();
            })
        .exceptionally(
            error -> {
              done.completeExceptionally(error);
              return 0;
            });
    requests.failWhenClosed(done);
    return done;
  }

  /** Finishes the step, saves and ends. */
  public void stop() {
    requests.add(() -> loop.end(Outcome.STOPPED));
  }

  /**
   * Does {@code action} on the run between two steps.
   *
   * @return its result; fails with {@link Failure} when the session is closed
   */
  public <T> CompletableFuture<T> atBoundary(Function<Run, T> action) {
    return requests.ask(() -> action.apply(run));
  }

  /** The same for what may take long, and is told as {@code what} meanwhile. */
  public <T> CompletableFuture<T> atBoundary(String what, Function<Run, T> action) {
    return atBoundary(
        r -> {
          loop.doing(what);
          return action.apply(r);
        });
  }

  /** Continues a prompt between two steps; the events go to {@code own} and to all listeners. */
  public CompletableFuture<Integer> sample(
      Run.Prompt prompt, Event.Listener own, BooleanSupplier cancelled) {
    return atBoundary(
        "sampling",
        r -> {
          r.sample(
              prompt,
              event -> {
                own.on(event);
                emit(event);
              },
              cancelled);
          return r.step();
        });
  }

  /** Writes a checkpoint now; empty when there is one of this step already. */
  public CompletableFuture<Optional<Event.Saved>> save() {
    return atBoundary("saving", r -> loop.save());
  }

  /** Pauses, and goes back to an earlier step, bit for bit. */
  public CompletableFuture<Integer> rewind(int step) {
    return atBoundary(
        "rewinding to step " + step,
        r -> {
          loop.rewind(step);
          return step;
        });
  }

  /** The configuration is another one than that of this step's checkpoint. */
  void unsave() {
    loop.unsave();
  }

  /** How failures and warnings write the names of settings, to all listeners. */
  public void spell(Spelling as) {
    listeners.spell(as);
  }

  /** Tells all listeners. */
  void emit(Event event) {
    listeners.tell(event);
  }

  /** Ends the run, which saves it, and frees its memory. */
  @Override
  public void close() {
    if (thread.isAlive()) {
      requests.add(loop::close);
      requests.awaitClosed();
    }
    run.close();
  }
}
