package dev.anneal.run.log;

import java.util.Arrays;

/**
 * The values of one metric, by step, as they can be drawn: the arrays may be longer than {@code
 * size} and are never changed below it.
 *
 * @param steps ascending
 * @param seconds of training up to each
 */
public record Series(int size, int[] steps, double[] seconds, double[] values) {
  public static final Series EMPTY = new Series(0, new int[0], new double[0], new double[0]);

  public boolean isEmpty() {
    return size == 0;
  }

  public double last() {
    return size == 0 ? Double.NaN : values[size - 1];
  }

  /** This series and one more point; shares the arrays while there is room. */
  Series with(int step, double second, double value) {
    Series room =
        size < steps.length
            ? this
            : new Series(
                size,
                Arrays.copyOf(steps, 2 * size + 64),
                Arrays.copyOf(seconds, 2 * size + 64),
                Arrays.copyOf(values, 2 * size + 64));
    room.steps[size] = step;
    room.seconds[size] = second;
    room.values[size] = value;
    return new Series(size + 1, room.steps, room.seconds, room.values);
  }

  /** The points up to {@code step}, in arrays of their own. */
  Series upTo(int step) {
    int n = size;
    while (n > 0 && steps[n - 1] > step) {
      n--;
    }
    if (n == size) {
      return this;
    }
    return new Series(
        n, Arrays.copyOf(steps, n), Arrays.copyOf(seconds, n), Arrays.copyOf(values, n));
  }

  /**
   * The exponential moving average, debiased: avg(n) = sum of w^(n-i) x(i) over sum of w^(n-i), as
   * in Kingma and Ba, "Adam", 2015. Values that are not finite are passed over.
   *
   * @param weight of the past, 0 to less than 1
   */
  public Series smoothed(double weight) {
    double[] smooth = new double[size];
    double sum = 0;
    double weights = 0;
    for (int i = 0; i < size; i++) {
      if (Double.isFinite(values[i])) {
        sum = weight * sum + values[i];
        weights = weight * weights + 1;
      }
      smooth[i] = weights == 0 ? Double.NaN : sum / weights;
    }
    return new Series(size, steps, seconds, smooth);
  }

  /** Of the last {@code count} values, or of all when there are fewer; NaN without any. */
  public double mean(int count) {
    return Arrays.stream(values, Math.max(0, size - count), size).average().orElse(Double.NaN);
  }

  /** The value that a share {@code q} of the last {@code count} finite values does not exceed. */
  public double quantile(double q, int count) {
    double[] sorted =
        Arrays.stream(values, Math.max(0, size - count), size)
            .filter(Double::isFinite)
            .sorted()
            .toArray();
    return sorted.length == 0
        ? Double.NaN
        : sorted[(int) Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  }
}
