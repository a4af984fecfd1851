package dev.anneal.session;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
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
import java.util.function.Function;

/**
 * A run on its own thread. Front ends steer it with commands, which take effect between two steps,
 * and hear {@link Event}s; they never touch the run itself.
 */
public final class Session implements AutoCloseable {

  /**
   * When a run ends before its schedule does.
   *
   * @param time from the start of the session
   */
  public record Limits(Optional<Until> until, Optional<Duration> time) {}

  private final Run run;
  private final Limits limits;
  private final List<Event.Listener> listeners = new CopyOnWriteArrayList<>();
  private final BlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
  private final CompletableFuture<Event.Ended> ended = new CompletableFuture<>();
  private final Thread thread;
  private volatile State state = State.RUNNING;
  private int stepsWhilePaused;
  private Optional<Outcome> outcome = Optional.empty();
  private Optional<Double> lastLoss = Optional.empty();
  private Optional<Double> lastEvaluation = Optional.empty();
  private int evaluatedAt = -1;
  private int savedAt = -1;

  public Session(Run run, Limits limits, List<Event.Listener> listeners) {
    this.run = run;
    this.limits = limits;
    this.listeners.addAll(listeners);
    this.thread = Thread.ofPlatform().name("anneal-run").unstarted(this::work);
  }

  /** Begins to train. */
  public void start() {
    savedAt = run.step();
    thread.start();
  }

  public State state() {
    return state;
  }

  public void addListener(Event.Listener listener) {
    listeners.add(listener);
  }

  public void removeListener(Event.Listener listener) {
    listeners.remove(listener);
  }

  /** Waits for the end of the run. */
  public Event.Ended await() {
    return ended.join();
  }

  public void pause() {
    commands.add(
        () -> {
          if (state == State.RUNNING) {
            change(State.PAUSED);
          }
        });
  }

  public void resume() {
    commands.add(
        () -> {
          if (state == State.PAUSED) {
            change(State.RUNNING);
          }
        });
  }

  /** Makes {@code count} steps and pauses again. */
  public void step(int count) {
    commands.add(
        () -> {
          if (state == State.RUNNING) {
            change(State.PAUSED);
          }
          stepsWhilePaused += count;
        });
  }

  /** Finishes the step, saves and ends. */
  public void stop() {
    commands.add(() -> end(Outcome.STOPPED));
  }

  /**
   * Does {@code action} on the run between two steps.
   *
   * @return its result; fails with {@link Failure} when the run has ended
   */
  public <T> CompletableFuture<T> atBoundary(Function<Run, T> action) {
    CompletableFuture<T> result = new CompletableFuture<>();
    commands.add(
        () -> {
          try {
            result.complete(action.apply(run));
          } catch (RuntimeException e) {
            result.completeExceptionally(e);
          }
        });
    ended.whenComplete(
        (end, error) -> result.completeExceptionally(Failure.failed("the run has ended")));
    return result;
  }

  /** Tells all listeners. */
  void emit(Event event) {
    listeners.forEach(listener -> listener.on(event));
  }

  private void change(State to) {
    state = to;
    emit(new Event.StateChanged(to, run.step()));
  }

  private void end(Outcome how) {
    if (outcome.isEmpty()) {
      outcome = Optional.of(how);
    }
  }

  private void work() {
    long start = System.nanoTime();
    Optional<String> error = Optional.empty();
    try {
      emit(run.started());
      train(start);
    } catch (Failure e) {
      error = Optional.of(e.getMessage());
      outcome = Optional.of(e.exitCode() == ExitCode.NUMBERS ? Outcome.NOT_FINITE : Outcome.FAILED);
    } catch (RuntimeException | Error e) {
      error = Optional.of(e.toString());
      outcome = Optional.of(Outcome.FAILED);
    }
    Outcome how = outcome.orElse(Outcome.COMPLETED);
    state = error.isPresent() ? State.FAILED : State.DONE;
    Event.Ended end =
        new Event.Ended(
            how, run.step(), lastLoss, lastEvaluation, (System.nanoTime() - start) / 1e9, error);
    try {
      emit(end);
    } finally {
      ended.complete(end);
    }
  }

  private void train(long start) {
    RunConfig.Intervals every = run.config().intervals();
    if (run.step() == 0 && every.evaluate() > 0) {
      evaluate();
    }
    while (true) {
      obeyCommands();
      if (outcome.isPresent()) {
        break;
      }
      if (run.step() >= run.config().steps()) {
        end(Outcome.COMPLETED);
        break;
      }
      if (limits.time().isPresent() && System.nanoTime() - start >= limits.time().get().toNanos()) {
        end(Outcome.TIME_LIMIT);
        break;
      }
      makeStep();
      if (due(every.evaluate()) && outcome.isEmpty()) {
        evaluate();
      }
      if (due(every.checkpoint())) {
        save();
      }
      if (due(every.sample()) && run.step() < run.config().steps() && outcome.isEmpty()) {
        sample(every.sampleTokens());
      }
    }
    if (every.evaluate() > 0 && evaluatedAt != run.step()) {
      evaluate();
    }
    save();
    if (every.sampleTokens() > 0 && outcome.equals(Optional.of(Outcome.COMPLETED))) {
      sample(every.sampleTokens());
    }
  }

  private boolean due(int interval) {
    return interval > 0 && run.step() % interval == 0;
  }

  /** Runs what was asked for; while paused, waits for more. */
  private void obeyCommands() {
    while (true) {
      Optional<Runnable> command = Optional.ofNullable(commands.poll());
      if (command.isPresent()) {
        command.get().run();
        continue;
      }
      if (outcome.isPresent() || state != State.PAUSED) {
        return;
      }
      if (stepsWhilePaused > 0) {
        stepsWhilePaused--;
        return;
      }
      try {
        commands.take().run();
      } catch (InterruptedException e) {
        end(Outcome.STOPPED);
      }
    }
  }

  private void makeStep() {
    Run.TimedStep step = run.advance();
    StepResult result = step.result();
    emit(step.event());
    if (!result.finite()) {
      throw new Failure(
          ExitCode.NUMBERS,
          "the loss of step "
              + run.step()
              + " is "
              + result.loss()
              + " and the gradient norm "
              + result.gradientNorm()
              + "; the weights are as before that step"
              + run.lastCheckpoint().map(path -> ", the last checkpoint is " + path).orElse("")
              + "; try a lower --lr");
    }
    lastLoss = Optional.of(result.loss());
    reached(Until.Metric.STEP, run.step());
    reached(Until.Metric.LOSS, result.loss());
  }

  private void reached(Until.Metric metric, double value) {
    if (limits.until().map(until -> until.reached(metric, value)).orElse(false)) {
      end(Outcome.TARGET);
    }
  }

  private void evaluate() {
    Event.Evaluation evaluation = run.evaluate();
    evaluatedAt = run.step();
    lastEvaluation = Optional.of(evaluation.loss());
    emit(evaluation);
    reached(Until.Metric.VAL_LOSS, evaluation.loss());
  }

  private void save() {
    if (savedAt != run.step()) {
      run.save().ifPresent(this::emit);
      savedAt = run.step();
    }
  }

  private void sample(int tokens) {
    run.sample("", tokens, SamplingSettings.defaults(run.config().seed()), this::emit);
  }

  @Override
  public void close() {
    if (thread.isAlive()) {
      stop();
      await();
    }
    run.close();
  }
}
