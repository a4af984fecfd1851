package dev.anneal.ops;

import static java.util.Objects.requireNonNull;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import dev.anneal.reference.Difference;
import dev.anneal.reference.Tolerance;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Whether a device comes as near to the reference as {@link Tolerance} wants. */
public final class OpAccuracy {
  private OpAccuracy() {}

  /**
   * How far a result is off, and how far it may be.
   *
   * @param tensor the result
   */
  public record Deviation(Tensor tensor, Difference difference, Tolerance tolerance) {
    /** The error as a multiple of what is allowed: above 1 is wrong. */
    public double share() {
      double share = tolerance.error(difference) / tolerance.limit();
      return Double.isNaN(share) ? Double.POSITIVE_INFINITY : share;
    }

    public boolean within() {
      return tolerance.holds(difference);
    }
  }

  /** What is wrong with the first wrong result of {@code run}, if one is. */
  public static Optional<String> firstError(
      OpRun run, Map<Tensor, double[]> expected, Map<Tensor, float[]> actual) {
    for (Tensor tensor : run.results()) {
      Deviation error = error(tensor, tolerance(run, tensor), expected, actual);
      if (!error.within()) {
        Tolerance tolerance = error.tolerance();
        String text = tolerance.describe(tolerance.error(error.difference()));
        return Optional.of(run + ": " + tensor + " is off by " + text);
      }
    }
    return Optional.empty();
  }

  /** The error of {@code run} that is the largest share of what is allowed. */
  public static Deviation worst(
      OpRun run, Map<Tensor, double[]> expected, Map<Tensor, float[]> actual) {
    return run.results().stream()
        .map(tensor -> error(tensor, tolerance(run, tensor), expected, actual))
        .reduce(OpAccuracy::worse)
        .orElseThrow();
  }

  /**
   * The same for ops that a device may compute together: each result may have the errors of all,
   * and one that only other ops of the run read need not be written at all.
   */
  public static Deviation worstTogether(
      OpRun run, Map<Tensor, double[]> expected, Map<Tensor, float[]> actual) {
    Tolerance tolerance = together(run);
    return run.results().stream()
        .filter(tensor -> !(isReadWithin(run, tensor) && isUnwritten(actual, tensor)))
        .map(tensor -> error(tensor, tolerance, expected, actual))
        .reduce(OpAccuracy::worse)
        .orElseThrow();
  }

  /** The worse of both. */
  public static Deviation worse(Deviation a, Deviation b) {
    return b.share() > a.share() ? b : a;
  }

  private static Tolerance tolerance(OpRun run, Tensor tensor) {
    // What is rounded to 16 bits between two ops adds to the second one's error.
    boolean narrow = tensor.dtype().bytes() == 2;
    return narrow ? run.tolerance().times(run.depth()) : run.tolerance();
  }

  private static Tolerance together(OpRun run) {
    double sum = 0;
    for (Op op : run.ops()) {
      sum = Math.max(sum, Tolerance.inNorm(op, run.multiplication()).limit());
    }
    return new Tolerance(false, sum).times(run.depth());
  }

  private static boolean isReadWithin(OpRun run, Tensor tensor) {
    return run.ops().stream().anyMatch(op -> op.reads().contains(tensor));
  }

  private static boolean isUnwritten(Map<Tensor, float[]> actual, Tensor tensor) {
    for (float value : requireNonNull(actual.get(tensor))) {
      if (!Float.isNaN(value)) {
        return false;
      }
    }
    return true;
  }

  private static Deviation error(
      Tensor tensor,
      Tolerance tolerance,
      Map<Tensor, double[]> expected,
      Map<Tensor, float[]> actual) {
    double[] right = requireNonNull(expected.get(tensor));
    float[] given = requireNonNull(actual.get(tensor));
    Difference.Sum sum = new Difference.Sum();
    for (int i = 0; i < right.length; i++) {
      sum.add(given[i], right[i]);
    }
    return new Deviation(tensor, sum.difference(), tolerance);
  }

  /** How many elements of all results differ in their bits. */
  public static long differentBits(
      List<Tensor> results, Map<Tensor, float[]> one, Map<Tensor, float[]> other) {
    long count = 0;
    for (Tensor tensor : results) {
      float[] a = requireNonNull(one.get(tensor));
      float[] b = requireNonNull(other.get(tensor));
      for (int i = 0; i < a.length; i++) {
        count += Float.floatToRawIntBits(a[i]) == Float.floatToRawIntBits(b[i]) ? 0 : 1;
      }
    }
    return count;
  }
}
