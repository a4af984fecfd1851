package dev.anneal.ops;

import dev.anneal.plan.Tensor;
import dev.anneal.reference.Difference;
import dev.anneal.reference.Tolerance;
import java.util.Map;
import java.util.Optional;

/** Whether a device comes as near to the reference as {@link Tolerance} wants. */
public final class OpAccuracy {
  private OpAccuracy() {}

  /** What is wrong with the first wrong result of {@code run}, if one is. */
  public static Optional<String> firstError(
      OpRun run, Map<Tensor, double[]> expected, Map<Tensor, float[]> actual) {
    Tolerance tolerance = run.tolerance();
    for (Tensor tensor : run.results()) {
      Difference difference = difference(expected.get(tensor), actual.get(tensor));
      // What is rounded to 16 bits between two ops adds to the second one's error.
      boolean narrow = tensor.dtype().bytes() == 2;
      Tolerance allowed = narrow ? tolerance.times(run.depth()) : tolerance;
      if (!allowed.holds(difference)) {
        String error = tolerance.describe(tolerance.error(difference));
        return Optional.of(run + ": " + tensor + " is off by " + error);
      }
    }
    return Optional.empty();
  }

  private static Difference difference(double[] expected, float[] actual) {
    Difference.Sum sum = new Difference.Sum();
    for (int i = 0; i < expected.length; i++) {
      sum.add(actual[i], expected[i]);
    }
    return sum.difference();
  }
}
