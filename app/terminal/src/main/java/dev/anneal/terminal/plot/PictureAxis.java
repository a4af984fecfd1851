package dev.anneal.terminal.plot;

import java.util.ArrayList;
import java.util.List;

/**
 * An axis of a picture: where a value lies on it, and which values it is labelled at.
 *
 * @param low the least value
 * @param high more than {@code low}
 * @param log logarithmic, when both are above 0
 * @param start the pixel of {@code low}
 * @param end the pixel of {@code high}
 */
record PictureAxis(double low, double high, boolean log, double start, double end) {
  /** What round numbers begin with. */
  private static final List<Double> ROUND = List.of(1.0, 2.0, 5.0, 10.0);

  /** Rather some more ticks than half as many. */
  private static final double CLOSER = 0.75;

  private static final double EQUAL = 1e-9;

  /** An axis over all of {@code low} to {@code high}, which may be the same. */
  static PictureAxis over(double low, double high, boolean log, double start, double end) {
    if (!(low <= high)) {
      return new PictureAxis(0, 1, false, start, end);
    }
    double margin =
        high - low > EQUAL * Math.max(Math.abs(low), Math.abs(high))
            ? 0
            : low == 0 ? 1 : Math.abs(low) * 0.1;
    return new PictureAxis(low - margin, high + margin, log, start, end);
  }

  boolean has(double value) {
    return Double.isFinite(value) && (!log || value > 0);
  }

  double pixel(double value) {
    return start + (scaled(value) - scaled(low)) / (scaled(high) - scaled(low)) * (end - start);
  }

  private double scaled(double value) {
    return log ? Math.log10(value) : value;
  }

  /** Round values, about {@code wanted} of them. */
  List<Double> ticks(int wanted) {
    return log && high / low >= 10 ? decades() : even(wanted);
  }

  private List<Double> even(int wanted) {
    double raw = (high - low) / wanted;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double step =
        power * ROUND.stream().filter(r -> r * power >= raw * CLOSER).findFirst().orElse(10.0);
    List<Double> ticks = new ArrayList<>();
    for (double i = Math.ceil(low / step - EQUAL); i * step <= high + EQUAL * step; i++) {
      ticks.add(i * step + 0.0); // Never -0.
    }
    return ticks;
  }

  private List<Double> decades() {
    List<Double> ticks = new ArrayList<>();
    int first = (int) Math.floor(Math.log10(low));
    int last = (int) Math.ceil(Math.log10(high));
    List<Double> factors = last - first > 4 ? List.of(1.0) : List.of(1.0, 2.0, 5.0);
    for (int decade = first; decade <= last; decade++) {
      for (double factor : factors) {
        double tick = factor * Math.pow(10, decade);
        if (tick >= low * (1 - EQUAL) && tick <= high * (1 + EQUAL)) {
          ticks.add(tick);
        }
      }
    }
    return ticks;
  }
}
