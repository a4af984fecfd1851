package dev.anneal.run;

import static dev.anneal.failure.Spelling.setting;
import static java.util.Objects.requireNonNull;

import dev.anneal.failure.Exhausted;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.Event.Outcome;
import dev.anneal.run.log.Event.State;
import dev.anneal.training.Trainer.StepResult;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What a run's thread does: steps, and what is due between two of them, until the run ends; then it
 * obeys until it is closed. All but {@link #state}, {@link #activity} and {@link #end} is for that
 * thread alone.
 */
final class TrainingLoop {
  private final Run run;
  private final Requests requests;
  private final Listeners listeners;
  private final Supplier<SamplingSettings> sampling;
  private final Saving saving;
  private final AtomicReference<CompletableFuture<Event.Ended>> ended =
      new AtomicReference<>(new CompletableFuture<>());
  private volatile State state = State.RUNNING;
  private volatile Optional<Activity> activity = Optional.empty();
  private Session.Limits limits;
  private boolean isBegun;
  private boolean isClosing;
  private long start;
  private int stepsWhilePaused;
  private CompletableFuture<Integer> stepsDone = new CompletableFuture<>();
  private Optional<Outcome> ending = Optional.empty();
  private Optional<Outcome> lastOutcome = Optional.empty();
  private Optional<Double> lastLoss = Optional.empty();
  private Optional<Double> lastEvaluation = Optional.empty();
  private int evaluatedAt = -1;

  /** Something was done that the run's directory does not tell yet. */
  private boolean hasNews = true;

  /**
   * @param sampling how the run's own samples are drawn, as it is when one is
   */
  TrainingLoop(
      Run run,
      Session.Limits limits,
      Requests requests,
      Listeners listeners,
      Supplier<SamplingSettings> sampling) {
    this.run = run;
    this.limits = limits;
    this.requests = requests;
    this.listeners = listeners;
    this.sampling = sampling;
    this.saving = new Saving(run, listeners::tell);
  }

  State state() {
    return state;
  }

  Optional<Activity> activity() {
    return activity;
  }

  /** The end of the run; when it goes on after that, the next call gives the next end. */
  CompletableFuture<Event.Ended> end() {
    return requireNonNull(ended.get());
  }

  /** Before the thread begins. */
  void begin(State first) {
    state = first;
    saving.isSaved();
  }

  /** Nothing is said, and nothing written until a step is made or something is changed. */
  void beginSilently(Optional<Event.Ended> last) {
    hasNews = false;
    isBegun = true;
    last.ifPresent(end()::complete);
    begin(last.isPresent() ? State.DONE : State.PAUSED);
  }

  void doing(String what) {
    activity = Optional.of(Activity.of(what));
  }

  void pause() {
    if (state == State.RUNNING || stepsWhilePaused > 0) {
      change(State.PAUSED);
      stepsAreDone();
    }
  }

  void resume() {
    requireStepsLeft();
    run.beginWriting();
    goOn();
    if (state != State.RUNNING) {
      change(State.RUNNING);
    }
  }

  /**
   * @param done gets the step after these
   */
  void step(int count, CompletableFuture<Integer> done) {
    if (count < 1) {
      throw Failure.usage("step " + count + ": expected at least 1");
    }
    requireStepsLeft();
    run.beginWriting();
    goOn();
    if (state != State.PAUSED) {
      change(State.PAUSED);
    }
    stepsWhilePaused += count;
    stepsDone.thenAccept(done::complete);
  }

  private void requireStepsLeft() {
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
        limits = Session.Limits.NONE;
      }
      lastOutcome = Optional.empty();
      ended.set(new CompletableFuture<>());
    }
  }

  Optional<Event.Saved> save() {
    hasNews = true;
    return saving.now();
  }

  void rewind(int step) {
    int from = run.step();
    run.rewind(step, made -> {});
    stepsAreDone();
    evaluatedAt = Math.min(evaluatedAt, step - 1);
    saving.isSaved();
    saving.tellWarnings();
    hasNews = false;
    goOn();
    listeners.tell(new Event.Rewound(step, from));
    change(State.PAUSED);
  }

  /** The configuration is another one than that of this step's checkpoint. */
  void unsave() {
    saving.isChanged();
    hasNews = true;
  }

  /** Ends the run, unless it has ended; one that is only looked at stays as it is. */
  void close() {
    if (!run.isLookedAt()) {
      end(Outcome.STOPPED);
    }
    isClosing = true;
  }

  private void change(State to) {
    state = to;
    listeners.tell(new Event.StateChanged(to, run.step()));
  }

  void end(Outcome how) {
    if (ending.isEmpty() && (state == State.RUNNING || state == State.PAUSED)) {
      ending = Optional.of(how);
    }
  }

  /** Until it is closed. */
  void work() {
    start = System.nanoTime();
    guarded(
        () -> {
          if (!isBegun) {
            listeners.tell(run.started());
          }
          run.notes().forEach(listeners::tell);
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
      } else if (isClosing) {
        break;
      } else {
        guarded(this::advance);
      }
    }
    requests.close();
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
    String where = hasNews && !run.isLookedAt() ? saving.afterFailure(error) : "";
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
            error.map(listeners::spelled));
    listeners.tell(event);
    stepsAreDone();
    end().complete(event);
  }

  private boolean hasWork() {
    return ending.isPresent() || isClosing || state == State.RUNNING || stepsWhilePaused > 0;
  }

  /** Runs what was asked for; without work, waits for more. */
  private void obeyCommands() {
    while (true) {
      Optional<Runnable> command = requests.poll();
      if (command.isPresent()) {
        command.get().run();
      } else if (hasWork()) {
        return;
      } else {
        activity = Optional.empty();
        try {
          requests.take().run();
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
        && requests.isEmpty();
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
    if (hasNews && !run.isLookedAt()) {
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
    listeners.tell(step.event());
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
    listeners.tell(evaluation);
    reached(Until.Metric.VAL_LOSS, evaluation.loss());
  }

  private void sample(int tokens) {
    doing("sampling");
    run.sample(new Run.Prompt("", tokens, sampling.get()), listeners::tell, () -> false);
  }
}
