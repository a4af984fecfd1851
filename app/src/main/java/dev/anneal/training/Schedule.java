package dev.anneal.training;

import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import java.util.List;
import java.util.stream.Stream;

/**
 * The learning rate as a pure function of the step, as in llm.c: linear warm-up to {@code peak},
 * then a decay to {@code finalFraction} of it at {@code horizon}.
 *
 * <p>A run that is extended, or shortened, has from then on the rates of one that had the new
 * horizon all along: a constant rate stays; WSD is constant again up to the last fifth of all
 * steps; a cosine or a line goes on from where it would be at that step of the longer one, so that
 * the rate jumps up where it had come down. The updates made before keep the rates that they had.
 *
 * @param horizon the steps of the whole run, whether or not it ends early
 * @param peak from the first step on
 * @param finalFraction of the peak, at the horizon; constant ignores it
 * @param changes of the peak while the run was live, by step
 * @param extensions of the horizon, by step
 */
public record Schedule(
    Shape shape,
    double peak,
    int warmup,
    int horizon,
    double finalFraction,
    List<PeakChange> changes,
    List<Extension> extensions) {

  /** After update {@code after}, the peak is another one; the schedule's shape goes on. */
  public record PeakChange(int after, double peak) {
    public PeakChange {
      Setting.STEP.whole(Written.OPTION, after);
      Setting.LR.real(Written.OPTION, peak);
    }
  }

  /** Up to update {@code after}, the horizon was {@code from}. */
  public record Extension(int after, int from) {
    public Extension {
      Setting.STEP.whole(Written.OPTION, after);
      Setting.STEPS.whole(Written.OPTION, from);
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
    extensions = List.copyOf(extensions);
    Setting.LR.real(Written.OPTION, peak);
    Setting.WARMUP.whole(Written.OPTION, warmup);
    Setting.STEPS.whole(Written.OPTION, horizon);
    Setting.FINAL_LR_FRACTION.real(Written.OPTION, finalFraction);
  }

  /** A schedule whose peak and horizon stay. */
  public Schedule(Shape shape, double peak, int warmup, int horizon, double finalFraction) {
    this(shape, peak, warmup, horizon, finalFraction, List.of(), List.of());
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
        Stream.concat(earlier, Stream.of(new PeakChange(step, newPeak))).toList(),
        extensions);
  }

  /** This schedule with another horizon for all updates after {@code step}. */
  public Schedule withHorizonAfter(int step, int newHorizon) {
    Stream<Extension> earlier = extensions.stream().filter(extension -> extension.after() < step);
    return new Schedule(
        shape,
        peak,
        warmup,
        newHorizon,
        finalFraction,
        changes,
        Stream.concat(earlier, Stream.of(new Extension(step, horizonAt(step)))).toList());
  }

  /** The horizon that update {@code step} knew, counting from 1. */
  private int horizonAt(int step) {
    return extensions.stream()
        .filter(extension -> step <= extension.after())
        .findFirst()
        .map(Extension::from)
        .orElse(horizon);
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
    int end = horizonAt(step);
    double progress = end <= warmup ? 1 : Math.min(1, (double) (before - warmup) / (end - warmup));
    return switch (shape) {
      case CONSTANT -> top;
      case LINEAR -> top - progress * (top - floor);
      case COSINE -> floor + 0.5 * (1 + StrictMath.cos(StrictMath.PI * progress)) * (top - floor);
      case WSD -> stableThenDecay(before, end, top, floor);
    };
  }

  private static double stableThenDecay(int before, int end, double top, double floor) {
    int decaySteps = Math.max(1, (int) (end * WSD_DECAY_FRACTION));
    int decayFrom = end - decaySteps;
    if (before < decayFrom) {
      return top;
    }
    double progress = Math.min(1, (double) (before - decayFrom) / decaySteps);
    return floor + (1 - StrictMath.sqrt(progress)) * (top - floor);
  }
}
