package dev.anneal.training;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import java.util.List;
import java.util.Optional;
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

  /** How the rate goes after the warm-up. */
  public sealed interface Shape {
    /** As saved runs have it. */
    String name();
  }

  /** The shapes that every front end knows, all of which go down. */
  public enum Known implements Shape {
    /** Half a cosine. */
    COSINE,
    LINEAR,
    CONSTANT,
    /** Warmup-stable-decay: constant, then down over the last fifth as 1 - sqrt. */
    WSD
  }

  /**
   * A shape that Java code gives. A saved run keeps its name alone, since no file can keep the
   * code: it goes on where the code is there again, and anywhere with another schedule.
   *
   * @param curve empty in a saved run
   */
  public record Own(String name, Optional<Curve> curve) implements Shape {
    public Own(String name, Curve curve) {
      this(name, Optional.of(curve));
    }

    /**
     * @throws Failure when the code is not there, or gives no rate
     */
    private double rate(int step, int end, double top) {
      double fraction = curve.orElseThrow(this::missing).fraction(step, end);
      if (!(fraction >= 0 && fraction <= Float.MAX_VALUE)) {
        throw Failure.failed(
            "the schedule "
                + name
                + " gives "
                + fraction
                + " of the peak at step "
                + step
                + "; expected a finite number, at least 0");
      }
      return top * fraction;
    }

    private Failure missing() {
      return Failure.failed(
          "the learning rates of this run are made by Java code, its schedule "
              + name
              + ", which no file keeps; go on where that code is, or as a new run with another"
              + " schedule: train "
              + setting("resume")
              + " CHECKPOINT "
              + setting("out")
              + " NEW "
              + setting("schedule")
              + " cosine");
    }
  }

  /** A learning rate as a pure function: the same numbers give the same rate. */
  @FunctionalInterface
  public interface Curve {
    /**
     * The rate of update {@code step}, counting from 1, of a run of {@code steps}, as a fraction of
     * the peak.
     */
    double fraction(int step, int steps);
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

  /** A schedule of one's own, which says all rates itself: there is no warm-up. */
  public static Schedule own(String name, Curve curve, double peak, int horizon) {
    return new Schedule(new Own(name, curve), peak, 0, horizon, 1);
  }

  /** The same with another shape. */
  public Schedule with(Shape newShape) {
    return new Schedule(newShape, peak, warmup, horizon, finalFraction, changes, extensions);
  }

  /** Whether it gives rates: the code of a shape of one's own is there. */
  public boolean isKnown() {
    return !(shape instanceof Own own) || own.curve().isPresent();
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
      case Known.CONSTANT -> top;
      case Known.LINEAR -> top - progress * (top - floor);
      case Known.COSINE ->
          floor + 0.5 * (1 + StrictMath.cos(StrictMath.PI * progress)) * (top - floor);
      case Known.WSD -> stableThenDecay(before, end, top, floor);
      case Own own -> own.rate(step, end, top);
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
