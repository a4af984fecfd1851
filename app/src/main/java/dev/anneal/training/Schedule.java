package dev.anneal.training;

import dev.anneal.failure.Failure;
import java.util.List;
import java.util.stream.Stream;

/**
 * The learning rate as a pure function of the step, as in llm.c: linear warm-up to {@code peak},
 * then a decay to {@code finalFraction} of it at {@code horizon}.
 *
 * @param horizon the steps of the whole run, whether or not it ends early
 * @param peak from the first step on
 * @param finalFraction of the peak, at the horizon; constant ignores it
 * @param changes of the peak while the run was live, by step
 */
public record Schedule(
    Shape shape,
    double peak,
    int warmup,
    int horizon,
    double finalFraction,
    List<PeakChange> changes) {

  /** After update {@code after}, the peak is another one; the schedule's shape goes on. */
  public record PeakChange(int after, double peak) {
    public PeakChange {
      requirePeak(peak);
    }
  }

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
    changes = List.copyOf(changes);
    requirePeak(peak);
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

  /** A schedule whose peak stays. */
  public Schedule(Shape shape, double peak, int warmup, int horizon, double finalFraction) {
    this(shape, peak, warmup, horizon, finalFraction, List.of());
  }

  private static void requirePeak(double peak) {
    if (!(peak > 0) || Double.isInfinite(peak)) {
      throw Failure.usage("--lr is " + peak + "; expected a positive number such as 3e-4");
    }
  }

  /** This schedule with another peak after update {@code step}; what was to change later is not. */
  public Schedule withPeakAfter(int step, double newPeak) {
    Stream<PeakChange> earlier = changes.stream().filter(change -> change.after() < step);
    return new Schedule(
        shape,
        peak,
        warmup,
        horizon,
        finalFraction,
        Stream.concat(earlier, Stream.of(new PeakChange(step, newPeak))).toList());
  }

  /** The peak that update {@code step} knows, counting from 1. */
  public double peakAt(int step) {
    double current = peak;
    for (PeakChange change : changes) {
      if (change.after() < step) {
        current = change.peak();
      }
    }
    return current;
  }

  /** The learning rate of the update that makes {@code step} updates done, counting from 1. */
  public double learningRate(int step) {
    int before = step - 1;
    double top = peakAt(step);
    if (before < warmup) {
      return top * (before + 1) / warmup;
    }
    double floor = top * finalFraction;
    double progress =
        horizon <= warmup ? 1 : Math.min(1, (double) (before - warmup) / (horizon - warmup));
    return switch (shape) {
      case CONSTANT -> top;
      case LINEAR -> top - progress * (top - floor);
      case COSINE -> floor + 0.5 * (1 + StrictMath.cos(StrictMath.PI * progress)) * (top - floor);
      case WSD -> stableThenDecay(before, top, floor);
    };
  }

  private double stableThenDecay(int before, double top, double floor) {
    int decaySteps = Math.max(1, (int) (horizon * WSD_DECAY_FRACTION));
    int decayFrom = horizon - decaySteps;
    if (before < decayFrom) {
      return top;
    }
    double progress = Math.min(1, (double) (before - decayFrom) / decaySteps);
    return floor + (1 - StrictMath.sqrt(progress)) * (top - floor);
  }
}
