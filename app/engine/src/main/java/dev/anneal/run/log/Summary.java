package dev.anneal.run.log;

import dev.anneal.run.log.Event.State;
import java.util.Optional;

/**
 * Where a run is, in numbers. The progress line, the prompt, {@code status}, the line at the end
 * and the dashboard's header all show these, so that they cannot differ.
 *
 * @param step updates so far
 * @param steps of the whole run
 * @param averaged how many of the last steps the means are over; 0 before the first
 * @param loss mean, nats per token; NaN before the first step
 * @param gradientNorm mean, before clipping
 * @param milliseconds mean, per step
 * @param tokensPerSecond at that mean
 * @param learningRate of the last step
 * @param validation the last one
 * @param secondsLeft of training with its evaluations and checkpoints; empty while the run does not
 *     go, and until some steps and seconds tell
 */
public record Summary(
    int step,
    int steps,
    int averaged,
    double loss,
    double gradientNorm,
    double milliseconds,
    double tokensPerSecond,
    double learningRate,
    Optional<Validation> validation,
    Optional<Double> secondsLeft) {

  /** How many steps the means are over, where there are as many. */
  private static final int AVERAGED = 20;

  /** A loss on the held-out split, and when it was measured. */
  public record Validation(int step, double loss) {}

  static Summary of(History.Snapshot run, Pace pace) {
    int steps = run.started().map(Event.Started::steps).orElse(0);
    int tokens = run.started().map(Event.Started::tokensPerStep).orElse(0);
    double milliseconds = run.series(Metric.MS).mean(AVERAGED);
    Series validation = run.series(Metric.VAL_LOSS);
    return new Summary(
        run.step(),
        steps,
        Math.min(AVERAGED, run.series(Metric.LOSS).size()),
        run.series(Metric.LOSS).mean(AVERAGED),
        run.series(Metric.GRAD_NORM).mean(AVERAGED),
        milliseconds,
        tokens / milliseconds * 1000,
        run.series(Metric.LR).last(),
        validation.isEmpty()
            ? Optional.empty()
            : Optional.of(
                new Validation(validation.steps()[validation.size() - 1], validation.last())),
        secondsLeft(run, pace, steps));
  }

  private static Optional<Double> secondsLeft(History.Snapshot run, Pace pace, int steps) {
    boolean goes = run.state().map(s -> s == State.RUNNING).orElse(false) && run.ended().isEmpty();
    if (!goes || !pace.isKnown()) {
      return Optional.empty();
    }
    double step = run.series(Metric.MS).mean(Math.min(AVERAGED, pace.steps())) / 1000;
    return Optional.of(Math.max(0, steps - run.step()) * (step + pace.otherPerStep()));
  }
}
