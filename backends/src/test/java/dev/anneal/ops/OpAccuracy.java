package dev.anneal.ops;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * How near a device must come to the reference: elementwise ops to 4 units in the last place of the
 * result's scale, which is its largest element; the others, which sum, to 1e-5 relative in norm.
 */
public final class OpAccuracy {
  private static final double ULPS = 4;
  private static final double RELATIVE = 1e-5;

  private OpAccuracy() {}

  /** Whether each element of the result depends on a few numbers, whatever the shapes. */
  static boolean isElementwise(Op op) {
    return op instanceof Op.Add
        || op instanceof Op.GeluForward
        || op instanceof Op.GeluBackward
        || op instanceof Op.AdamW
        || op instanceof Op.EmbeddingForward
        || op instanceof Op.MeanBackward
        || op instanceof Op.CrossEntropyBackward
        || op instanceof Op.Fill;
  }

  /** What is wrong with the first wrong result of {@code run}, if one is. */
  public static Optional<String> firstError(
      OpRun run, Map<Tensor, double[]> expected, Map<Tensor, float[]> actual) {
    for (Tensor tensor : run.results()) {
      Optional<String> error =
          error(isElementwise(run.op()), expected.get(tensor), actual.get(tensor));
      if (error.isPresent()) {
        return error.map(what -> run + ": " + tensor + " " + what);
      }
    }
    return Optional.empty();
  }

  private static Optional<String> error(boolean elementwise, double[] expected, float[] actual) {
    double squares = 0;
    double norm = 0;
    double largest = 0;
    double scale = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = actual[i] - expected[i];
      if (!Double.isFinite(difference)) {
        return Optional.of("is " + actual[i] + " at " + i + ", not " + expected[i]);
      }
      squares += difference * difference;
      norm += expected[i] * expected[i];
      largest = Math.max(largest, Math.abs(difference));
      scale = Math.max(scale, Math.abs(expected[i]));
    }
    if (elementwise) {
      double ulps = largest / Math.ulp((float) scale);
      return ulps <= ULPS ? Optional.empty() : Optional.of("is off by " + ulps + " ulp");
    }
    double error = Math.sqrt(squares);
    return error <= RELATIVE * Math.sqrt(norm) + 1e-12
        ? Optional.empty()
        : Optional.of("is off by " + error / Math.sqrt(norm) + " in norm");
  }
}
