package dev.anneal.terminal.plot;

import dev.anneal.terminal.text.Amounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/** Round values along an axis: steps of 1, 2 or 5 times a power of ten, and labels that differ. */
final class Ticks {
  private static final double[] SECONDS = {
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400
  };

  /** Between these, numbers are written out. */
  private static final double LEAST = 1e-4;

  private static final double MOST = 1e5;

  /** A value a hair beyond the axis lies on its end. */
  private static final double EQUAL = 1e-9;

  private Ticks() {}

  /** More than a screen has cells: the axis is too wide or too narrow for numbers to tell apart. */
  private static final int UNREADABLE = 10_000;

  /** Beyond, a step is less than a double can tell. */
  private static final double MOST_STEPS = 1e15;

  /** A value and how it is written. */
  record Tick(double value, String label) {}

  /** At most {@code most} ticks from {@code low} to {@code high}, two where that is possible. */
  static List<Tick> linear(double low, double high, int most) {
    double step = step(low, high, most, 0);
    return multiples(low, high, step, label(step, Math.max(Math.abs(low), Math.abs(high))));
  }

  /** Round whole values between {@code low} and {@code high}. */
  static List<Tick> whole(double low, double high, int most) {
    double step = step(low, high, most, 1);
    return multiples(low, high, step, label(step, Math.max(Math.abs(low), Math.abs(high))));
  }

  /** Seconds, in steps that clocks have. */
  static List<Tick> time(double low, double high, int most) {
    for (double step : SECONDS) {
      if (count(low, high, step) <= most) {
        return multiples(low, high, step, Amounts::duration);
      }
    }
    double day = SECONDS[SECONDS.length - 1];
    return multiples(
        low, high, day * Math.ceil((high - low) / day / Math.max(1, most)), Amounts::duration);
  }

  /** Powers of ten, with 2 and 5 between them where there is room; of a short axis, linear ones. */
  static List<Tick> logarithmic(double low, double high, int most) {
    // Doubles end at 1e308.
    int from = Math.clamp((long) Math.floor(Math.log10(low)), -300, 300);
    int to = Math.clamp((long) Math.ceil(Math.log10(high)), -300, 300);
    List<Tick> best = List.of();
    for (int[] digits : new int[][] {{1}, {1, 5}, {1, 2, 5}}) {
      List<Tick> ticks = powers(low, high, from, to, 1, digits);
      if (ticks.size() <= most) {
        best = ticks;
      }
    }
    for (int every = 2; best.isEmpty() && every < to - from; every++) {
      List<Tick> ticks = powers(low, high, from, to, every, new int[] {1});
      best = ticks.size() <= most ? ticks : List.of();
    }
    return best.size() >= 2 ? best : linear(low, high, most);
  }

  private static List<Tick> powers(
      double low, double high, int from, int to, int every, int[] digits) {
    List<Tick> ticks = new ArrayList<>();
    for (int power = from; power <= to; power++) {
      for (int digit : digits) {
        // By division, since 10 to the -5 is no double.
        double value = power < 0 ? digit / Math.pow(10, -power) : digit * Math.pow(10, power);
        if (Math.floorMod(power, every) == 0
            && value >= low * (1 - EQUAL)
            && value <= high * (1 + EQUAL)) {
          ticks.add(new Tick(value, label(value, value).apply(value)));
        }
      }
    }
    return ticks;
  }

  /** The smallest round step, or the next smaller one if it makes a second tick. */
  private static double step(double low, double high, int most, double least) {
    double width = high - low;
    int power = Math.clamp((long) Math.floor(Math.log10(width)) + 1, -300, 300);
    double best = round(power, 1);
    for (int i = 0; i < 12; i++) {
      double step = round(power - Math.ceilDiv(i, 3), new int[] {1, 5, 2}[i % 3]);
      double count = count(low, high, step);
      if (step < least || count > most && count(low, high, best) >= 2) {
        break;
      }
      best = step;
      if (count >= most) {
        break;
      }
    }
    return best;
  }

  private static double round(int power, int digit) {
    return power < 0 ? digit / Math.pow(10, -power) : digit * Math.pow(10, power);
  }

  private static double count(double low, double high, double step) {
    return Math.floor(high / step + EQUAL) - Math.ceil(low / step - EQUAL) + 1;
  }

  private static List<Tick> multiples(
      double low, double high, double step, DoubleFunction<String> label) {
    List<Tick> ticks = new ArrayList<>();
    double first = Math.ceil(low / step - EQUAL);
    double last = Math.floor(high / step + EQUAL);
    if (!(step > 0) || !(last - first < UNREADABLE) || Math.abs(first) > MOST_STEPS) {
      return ticks;
    }
    for (long i = (long) first; i <= last; i++) {
      ticks.add(new Tick(i * step, label.apply(i * step)));
    }
    return ticks;
  }

  /** As many digits as tell two ticks apart; thousands and millions, or a power, where they are. */
  private static DoubleFunction<String> label(double step, double largest) {
    if (largest < LEAST) {
      int digits = Math.max(0, magnitude(largest) - magnitude(step));
      return value -> value == 0 ? "0" : power(value, digits);
    }
    int unit = largest < MOST ? 0 : Math.min(5, magnitude(largest) / 3);
    double scale = Math.pow(10, 3 * unit);
    int digits = Math.max(0, -magnitude(step / scale));
    String suffix = unit == 0 ? "" : "" + " kMGTP".charAt(unit);
    return value -> {
      String text = String.format(Locale.ROOT, "%." + digits + "f", value / scale);
      return text.matches("-?0(\\.0*)?") ? "0" : text + suffix;
    };
  }

  private static int magnitude(double value) {
    return (int) Math.floor(Math.log10(value) + EQUAL);
  }

  /** {@code 2e-5} and not {@code 2e-05}. */
  private static String power(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "e", value).replaceAll("e([-+])0", "e$1");
  }
}
