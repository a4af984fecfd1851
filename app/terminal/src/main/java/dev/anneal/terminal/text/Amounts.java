package dev.anneal.terminal.text;

import java.util.Locale;

/** Numbers as people read them. */
public final class Amounts {
  private Amounts() {}

  /** Bytes in powers of 1000: {@code 497.9 MB}. */
  public static String bytes(long bytes) {
    return scaled(bytes, "B");
  }

  /** {@code 193.8 G} and a unit. */
  public static String scaled(double value, String unit) {
    String[] prefixes = {"", "k", "M", "G", "T", "P"};
    int i = 0;
    double v = value;
    while (Math.abs(v) >= 1000 && i < prefixes.length - 1) {
      v /= 1000;
      i++;
    }
    return String.format(Locale.ROOT, i == 0 ? "%.0f %s%s" : "%.1f %s%s", v, prefixes[i], unit)
        .strip();
  }

  /** {@code 2m05s}. */
  public static String duration(double seconds) {
    long s = Math.round(seconds);
    if (s < 60) {
      return s + "s";
    }
    if (s < 3600) {
      return String.format(Locale.ROOT, "%dm%02ds", s / 60, s % 60);
    }
    return String.format(Locale.ROOT, "%dh%02dm", s / 3600, s % 3600 / 60);
  }
}
