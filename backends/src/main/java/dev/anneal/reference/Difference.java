package dev.anneal.reference;

/**
 * How far a result is from what was expected.
 *
 * @param maxAbs the largest difference of an element
 * @param relative the norm of the difference over the norm of what was expected
 * @param ulps the largest difference in units in the last place of the largest expected element
 */
public record Difference(double maxAbs, double relative, double ulps) {
  /** No difference: where a comparison starts. */
  public static final Difference NONE = new Difference(0, 0, 0);

  /** Norms below this count as this, so that what should be zero may be a rounding error. */
  private static final double LEAST_NORM = 1e-7;

  /** The worse of both in every measure; NaN is the worst. */
  public Difference worst(Difference other) {
    return new Difference(
        Math.max(maxAbs, other.maxAbs),
        Math.max(relative, other.relative),
        Math.max(ulps, other.ulps));
  }

  /** Adds up a difference part by part. */
  public static final class Sum {
    private double largest;
    private double scale;
    private double squares;
    private double norm;

    public void add(double actual, double expected) {
      // Equal infinities are no difference; a NaN is, unless it was expected.
      boolean same =
          Double.compare(actual, expected) == 0 || Double.isNaN(actual) && Double.isNaN(expected);
      double difference = same ? 0 : Math.abs(actual - expected);
      difference = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
      largest = Math.max(largest, difference);
      squares += difference * difference;
      if (Double.isFinite(expected)) {
        scale = Math.max(scale, Math.abs(expected));
        norm += expected * expected;
      }
    }

    public Difference difference() {
      double ulp = Math.max(Math.ulp((float) scale), Math.ulp((float) LEAST_NORM));
      return new Difference(
          largest, Math.sqrt(squares) / Math.max(Math.sqrt(norm), LEAST_NORM), largest / ulp);
    }
  }
}
