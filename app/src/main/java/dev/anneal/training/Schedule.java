package dev.anneal.training;

import dev.anneal.failure.Failure;

/**
 * The learning rate as a pure function of the step, as in llm.c: linear warm-up to {@code peak},
 * then a decay to {@code finalFraction} of it at {@code horizon}.
 *
 * @param horizon the steps of the whole run, whether or not it ends early
 * @param finalFraction of the peak, at the horizon; constant ignores it
 */
public record Schedule(Shape shape, double peak, int warmup, int horizon, double finalFraction) {

  /** How the rate goes down after the warm-up. */
  public enum Shape {
    /** Half a cosine. */
    COSINE,
    LINEAR,
    CONSTANT,
    /** Warmup-stable-decay: constant, then down over the last fifth as 1 - sqrt. */
    WSD
  }

  private static final double WSD_DECAY_FRACTION = 0.2;

  public Schedule {
    if (!(peak > 0) || Double.isInfinite(peak)) {
      throw Failure.usage("--lr is " + peak + "; expected a positive number such as 3e-4");
    }
    if (warmup < 0) {
      throw Failure.usage("--warmup is " + warmup + "; expected 0 or more steps");
    }
    if (horizon < 1) {
      throw Failure.usage("--steps is " + horizon + "; expected at least 1");
    }
    if (!(finalFraction >= 0 && finalFraction <= 1)) {
      throw Failure.usage("--final-lr-fraction is " + finalFraction + "; expected 0 to 1");
    }
  }

  /** The learning rate of the update that makes {@code step} updates done, counting from 1. */
  public double learningRate(int step) {
    int before = step - 1;
    if (before < warmup) {
      return peak * (before + 1) / warmup;
    }
    double floor = peak * finalFraction;
    double progress =
        horizon <= warmup ? 1 : Math.min(1, (double) (before - warmup) / (horizon - warmup));
    return switch (shape) {
      case CONSTANT -> peak;
      case LINEAR -> peak - progress * (peak - floor);
      case COSINE -> floor + 0.5 * (1 + StrictMath.cos(StrictMath.PI * progress)) * (peak - floor);
      case WSD -> stableThenDecay(before, floor);
    };
  }

  private double stableThenDecay(int before, double floor) {
    int decaySteps = Math.max(1, (int) (horizon * WSD_DECAY_FRACTION));
    int decayFrom = horizon - decaySteps;
    if (before < decayFrom) {
      return peak;
    }
    double progress = Math.min(1, (double) (before - decayFrom) / decaySteps);
    return floor + (1 - StrictMath.sqrt(progress)) * (peak - floor);
  }
}
