package dev.anneal.terminal.text;

import dev.anneal.terminal.text.Look.Glyphs;
import java.util.Arrays;

/** Counts as a line of bars. */
public final class Bars {
  private static final String BLOCKS = " ▁▂▃▄▅▆▇█";
  private static final String ASCII = " .:-=+*#@";

  private Bars() {}

  /** One character per count; any that is not 0 can be seen. */
  public static String of(long[] counts, Glyphs glyphs) {
    String levels = glyphs == Glyphs.ASCII ? ASCII : BLOCKS;
    long most = Math.max(1, Arrays.stream(counts).max().orElse(1));
    StringBuilder bars = new StringBuilder();
    for (long count : counts) {
      long level = count == 0 ? 0 : 1 + count * (levels.length() - 2) / most;
      bars.append(levels.charAt((int) Math.min(level, levels.length() - 1)));
    }
    return bars.toString();
  }

  /** A share as a bar of {@code width} characters. */
  public static String share(double share, int width, Glyphs glyphs) {
    double whole = Math.clamp(Double.isNaN(share) ? 0 : share, 0, 1) * width;
    String full = glyphs == Glyphs.ASCII ? "#" : "█";
    String parts = glyphs == Glyphs.ASCII ? "" : " ▏▎▍▌▋▊▉";
    StringBuilder bar = new StringBuilder(full.repeat((int) whole));
    int eighths = (int) ((whole - Math.floor(whole)) * 8);
    if (eighths > 0 && !parts.isEmpty()) {
      bar.append(parts.charAt(eighths));
    }
    return bar.toString();
  }
}
