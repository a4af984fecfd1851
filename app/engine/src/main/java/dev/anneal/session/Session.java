package dev.anneal.session;

import static dev.anneal.failure.Spelling.setting;
import static java.util.Objects.requireNonNull;

import dev.anneal.failure.Exhausted;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.failure.Spelling;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.session.Event.Outcome;
import dev.anneal.session.Event.State;
import dev.anneal.training.Trainer.StepResult;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;

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

    private boolean isReached(Until.Metric metric, double value) {
      return until.map(condition -> condition.reached(metric, value)).orElse(false);
    }

    private boolean isTimeUp(long start) {
      return time.isPresent() && System.nanoTime() - start >= time.get().toNanos();
    }
  }

  private final Run run;
  private final List<Event.Listener> listeners = new CopyOnWriteArrayList<>();
  private final BlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final AtomicReference<CompletableFuture<Event.Ended>> ended =
      new AtomicReference<>(new CompletableFuture<>());
  private final Thread thread;
  private volatile State state = State.RUNNING;
  private volatile SamplingSettings sampling;
  private volatile Spelling spelling = Spelling.PLAIN;
  private boolean isBegun;
  private volatile Optional<Activity> activity = Optional.empty();
  private Limits limits;
  private long start;
  private int stepsWhilePaused;
  private CompletableFuture<Integer> stepsDone = new CompletableFuture<>();
  private Optional<Outcome> ending = Optional.empty();
  private Optional<Outcome> lastOutcome = Optional.empty();
  private Optional<Double> lastLoss = Optional.empty();
  private Optional<Double> lastEvaluation = Optional.empty();
  private int evaluatedAt = -1;
  private final Saving saving;

  /** Something was done that the run's directory does not tell yet. */
  private boolean hasNews = true;

  public Session(Run run, Limits limits, List<Event.Listener> listeners) {
    this.run = run;
    this.limits = limits;
    this.sampling = SamplingSettings.defaults(run.config().seed());
    this.listeners.addAll(listeners);
    this.saving = new Saving(run, this::emit);
    this.thread = Thread.ofPlatform().name("anneal-run").daemon().unstarted(this::work);
  }

  /** Begins to train. */
  public void start() {
    begin(State.RUNNING);
  }

  /** Begins, and waits for commands. */
  public void startPaused() {
    begin(State.PAUSED);
  }

  private void begin(State first) {
    state = first;
    saving.isSaved();
    thread.start();
  }

  /**
   * Begins for those who look at a run: nothing is said, and nothing written until a step is made
   * or something is changed.
   *
   * @param last how the run ended, when it has made all its steps
   */
  void startLooking(Optional<Event.Ended> last) {
    hasNews = false;
    isBegun = true;
    last.ifPresent(end()::complete);
    begin(last.isPresent() ? State.DONE : State.PAUSED);
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
    return state;
  }

  /** What the run's thread does at the moment; empty while it waits for commands. */
  public Optional<Activity> activity() {
    return activity;
  }

  private void doing(String what) {
    activity = Optional.of(Activity.of(what));
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
    return requireNonNull(ended.get());
  }

  /** When the step is over, nothing more happens until a command comes. */
  public CompletableFuture<Integer> pause() {
    return atBoundary(
        r -> {
          if (state == State.RUNNING || stepsWhilePaused > 0) {
            change(State.PAUSED);
            stepsAreDone();
          }
          return r.step();
        });
  }

  /** Goes on; also after the end, when the run was rewound or more steps are left. */
  public CompletableFuture<Integer> resume() {
    return atBoundary(
        r -> {
          requireStepsLeft(r);
          r.beginWriting();
          goOn();
          if (state != State.RUNNING) {
            change(State.RUNNING);
          }
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
              if (count < 1) {
                throw Failure.usage("step " + count + ": expected at least 1");
              }
              requireStepsLeft(r);
              r.beginWriting();
              goOn();
              if (state != State.PAUSED) {
                change(State.PAUSED);
              }
              stepsWhilePaused += count;
              stepsDone.thenAccept(done::complete);
              return r.step();
            })
        .exceptionally(
            error -> {
              done.completeExceptionally(error);
              return 0;
            });
    closed.whenComplete((v, e) -> done.completeExceptionally(closedFailure()));
    return done;
  }

  private static void requireStepsLeft(Run run) {
    if (run.step() >= run.config().steps()) {
      throw Failure.failed(
          "the run has made all its "
              + run.config().steps()
              + " steps; 'set steps N' extends it, 'rewind N' goes back");
    }
  }

  /** After an end, the run has a future again; a limit that was reached no longer holds. */
  private void goOn() {
    if (state == State.DONE || state == State.FAILED) {
      if (lastOutcome.equals(Optional.of(Outcome.TARGET))
          || lastOutcome.equals(Optional.of(Outcome.TIME_LIMIT))) {
        limits = Limits.NONE;
      }
      lastOutcome = Optional.empty();
      ended.set(new CompletableFuture<>());
    }
  }

  /** Finishes the step, saves and ends. */
  public void stop() {
    commands.add(() -> end(Outcome.STOPPED));
  }

  /**
   * Does {@code action} on the run between two steps.
   *
   * @return its result; fails with {@link Failure} when the session is closed
   */
  public <T> CompletableFuture<T> atBoundary(Function<Run, T> action) {
    CompletableFuture<T> result = new CompletableFuture<>();
    commands.add(
        () -> {
          try {
            result.complete(action.apply(run));
          } catch (RuntimeException | Error e) {
            // Whoever asked is told; the thread must go on.
            result.completeExceptionally(
                e instanceof VirtualMachineError exhausted ? Exhausted.of(exhausted) : e);
          }
        });
    closed.whenComplete((v, e) -> result.completeExceptionally(closedFailure()));
    return result;
  }

  /** The same for what may take long, and is told as {@code what} meanwhile. */
  public <T> CompletableFuture<T> atBoundary(String what, Function<Run, T> action) {
    return atBoundary(
        r -> {
          doing(what);
          return action.apply(r);
        });
  }

  private static Failure closedFailure() {
    return Failure.failed("the run is closed");
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
    return atBoundary(
        "saving",
        r -> {
          hasNews = true;
          return saving.now();
        });
  }

  /** Pauses, and goes back to an earlier step, bit for bit. */
  public CompletableFuture<Integer> rewind(int step) {
    return atBoundary(
        "rewinding to step " + step,
        r -> {
          int from = r.step();
          r.rewind(step, made -> {});
          stepsAreDone();
          evaluatedAt = Math.min(evaluatedAt, step - 1);
          saving.isSaved();
          saving.tellWarnings();
          hasNews = false;
          goOn();
          emit(new Event.Rewound(step, from));
          change(State.PAUSED);
          return step;
        });
  }

  /** The configuration is another one than that of this step's checkpoint. */
  void unsave() {
    saving.isChanged();
    hasNews = true;
  }

  /** How failures and warnings write the names of settings, to all listeners. */
  public void spell(Spelling as) {
    spelling = as;
  }

  /** Tells all listeners. */
  void emit(Event marked) {
    Event event = marked.spelled(spelling);
    for (Event.Listener listener : listeners) {
      try {
        listener.on(event);
      } catch (RuntimeException e) {
        // Whoever cannot show an event, as on a terminal that is gone, does not end the run.
        listeners.remove(listener);
      }
    }
  }

  private void change(State to) {
    state = to;
    emit(new Event.StateChanged(to, run.step()));
  }

  private void end(Outcome how) {
    if (ending.isEmpty() && (state == State.RUNNING || state == State.PAUSED)) {
      ending = Optional.of(how);
    }
  }

  private void work() {
    start = System.nanoTime();
    guarded(
        () -> {
          if (!isBegun) {
            emit(run.started());
          }
          run.notes().forEach(this::emit);
          saving.tellWarnings();
          if (!isBegun && state == State.PAUSED) {
            change(State.PAUSED);
          }
        });
    while (true) {
      if (!run.isAhead()) {
        obeyCommands();
      }
      if (ending.isPresent()) {
        Outcome how = ending.get();
        guarded(() -> finish(how));
      } else if (closing.get()) {
        break;
      } else {
        guarded(this::advance);
      }
    }
    closed.complete(null);
  }

  /** What fails ends the run, not the session. */
  private void guarded(Runnable action) {
    try {
      action.run();
    } catch (Failure e) {
      Outcome how =
          switch (e.exitCode()) {
            case NUMBERS -> Outcome.NOT_FINITE;
            case BACKEND -> Outcome.DEVICE_LOST;
            default -> Outcome.FAILED;
          };
      failed(how, e.unspelled());
    } catch (VirtualMachineError e) {
      failed(Outcome.FAILED, Exhausted.of(e).unspelled());
    } catch (RuntimeException | Error e) {
      failed(Outcome.FAILED, e.toString());
    }
  }

  private void failed(Outcome how, String error) {
    run.forgetAhead();
    String where = hasNews && !isLooking() ? saving.afterFailure(error) : "";
    ended(how, State.FAILED, Optional.of(error + where));
  }

  private void ended(Outcome how, State last, Optional<String> error) {
    ending = Optional.empty();
    lastOutcome = Optional.of(how);
    state = last;
    Event.Ended event =
        new Event.Ended(
            how,
            run.step(),
            lastLoss,
            lastEvaluation,
            (System.nanoTime() - start) / 1e9,
            error.map(spelling::spell));
    emit(event);
    stepsAreDone();
    end().complete(event);
  }

  private boolean hasWork() {
    return ending.isPresent() || closing.get() || state == State.RUNNING || stepsWhilePaused > 0;
  }

  /** Runs what was asked for; without work, waits for more. */
  private void obeyCommands() {
    while (true) {
      Optional<Runnable> command = Optional.ofNullable(commands.poll());
      if (command.isPresent()) {
        command.get().run();
      } else if (hasWork()) {
        return;
      } else {
        activity = Optional.empty();
        try {
          commands.take().run();
        } catch (InterruptedException e) {
          end(Outcome.STOPPED);
        }
      }
    }
  }

  private void advance() {
    RunConfig.Intervals every = run.config().intervals();
    if (!run.isAhead() && isOver(every)) {
      return;
    }
    makeStep();
    int made = run.step();
    int steps = run.config().steps();
    if (due(every.evaluate(), made) && ending.isEmpty()) {
      evaluate();
    }
    if (due(every.checkpoint(), made) && made < steps) {
      doing("saving");
      saving.periodically();
    }
    if (due(every.sample(), made) && made < steps && ending.isEmpty()) {
      sample(every.sampleTokens());
    }
    if (made >= steps) {
      end(Outcome.COMPLETED);
    }
    countStep();
  }

  /** Whether there is something else to do than the next step. */
  private boolean isOver(RunConfig.Intervals every) {
    if (run.step() == 0 && every.evaluate() > 0 && evaluatedAt != 0) {
      evaluate();
      // What was asked for meanwhile comes first.
      return true;
    }
    if (run.step() >= run.config().steps()) {
      end(Outcome.COMPLETED);
      return true;
    }
    if (limits.isTimeUp(start)) {
      end(Outcome.TIME_LIMIT);
      return true;
    }
    return false;
  }

  /**
   * Whether the next step is followed by another one at once, for all that is known before it is
   * made. Commands wait for a step that the device has begun with, so none must be there.
   */
  private boolean isFollowed() {
    int made = run.step() + 1;
    RunConfig.Intervals every = run.config().intervals();
    return made < run.config().steps()
        && (state == State.RUNNING || stepsWhilePaused > 1)
        && Stream.of(every.evaluate(), every.checkpoint(), every.sample())
            .noneMatch(interval -> due(interval, made))
        && !limits.isReached(Until.Metric.STEP, made)
        && !limits.isTimeUp(start)
        && commands.isEmpty();
  }

  private void countStep() {
    if (stepsWhilePaused > 0) {
      stepsWhilePaused--;
      if (stepsWhilePaused == 0) {
        stepsAreDone();
      }
    }
  }

  private void stepsAreDone() {
    stepsWhilePaused = 0;
    CompletableFuture<Integer> done = stepsDone;
    stepsDone = new CompletableFuture<>();
    done.complete(run.step());
  }

  private void finish(Outcome how) {
    if (hasNews && !isLooking()) {
      RunConfig.Intervals every = run.config().intervals();
      if (every.evaluate() > 0 && evaluatedAt != run.step()) {
        evaluate();
      }
      doing("saving");
      saving.atEnd();
      if (every.sampleTokens() > 0 && how == Outcome.COMPLETED) {
        sample(every.sampleTokens());
      }
    }
    ended(how, State.DONE, Optional.empty());
  }

  private static boolean due(int interval, int step) {
    return interval > 0 && step % interval == 0;
  }

  private void makeStep() {
    run.beginWriting();
    hasNews = true;
    doing("step " + (run.step() + 1));
    Run.TimedStep step = run.advance(isFollowed());
    StepResult result = step.result();
    emit(step.event());
    if (!result.finite()) {
      throw new Failure(
          ExitCode.NUMBERS,
          "the loss of step "
              + step.event().step()
              + " is "
              + result.loss()
              + " and the gradient norm "
              + result.gradientNorm()
              + "; try a lower "
              + setting("lr")
              + ", or 'rewind' and 'branch' with a lower lr");
    }
    lastLoss = Optional.of(result.loss());
    reached(Until.Metric.STEP, run.step());
    reached(Until.Metric.LOSS, result.loss());
  }

  private void reached(Until.Metric metric, double value) {
    if (limits.isReached(metric, value)) {
      run.forgetAhead();
      end(Outcome.TARGET);
    }
  }

  private void evaluate() {
    doing("evaluating");
    Event.Evaluation evaluation = run.evaluate();
    evaluatedAt = run.step();
    lastEvaluation = Optional.of(evaluation.loss());
    emit(evaluation);
    reached(Until.Metric.VAL_LOSS, evaluation.loss());
  }

  private void sample(int tokens) {
    doing("sampling");
    run.sample(new Run.Prompt("", tokens, sampling), this::emit, () -> false);
  }

  /** Ends the run, which saves it, and frees its memory. */
  @Override
  public void close() {
    if (thread.isAlive()) {
      commands.add(
          () -> {
            if (!isLooking()) {
              end(Outcome.STOPPED);
            }
            closing.set(true);
          });
      closed.join();
    }
    run.close();
  }
}
