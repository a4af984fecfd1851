package dev.anneal.eval;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * How far the repeats of a measurement lie apart.
 *
 * @param step of whole steps, in milliseconds; empty where it was not kept
 * @param kinds of the time of a kind of op in a step
 */
public record Spread(Optional<Range> step, Map<String, Range> kinds) {
  public static final Spread UNKNOWN = new Spread(Optional.empty(), Map.of());

  /** Where the middle half of the repeats lies: their quartiles. */
  public record Range(double low, double high) {
    /** Of a median, what its repeats may lie apart before it says little. */
    private static final double MOST = 0.2;

    /** Empty without a value. */
    public static Optional<Range> of(double[] values) {
      if (values.length == 0) {
        return Optional.empty();
      }
      double[] sorted = values.clone();
      Arrays.sort(sorted);
      int quarter = (sorted.length - 1) / 4;
      return Optional.of(new Range(sorted[quarter], sorted[sorted.length - 1 - quarter]));
    }

    /** Whether {@code median} is no more than an indication. */
    public boolean isWide(double median) {
      return high - low > MOST * median;
    }

    /** What this is times another, whichever of their repeats one takes. */
    public Range over(Range other) {
      return new Range(low / other.high, high / other.low);
    }

    public boolean has(double value) {
      return low <= value && value <= high;
    }
  }
}
