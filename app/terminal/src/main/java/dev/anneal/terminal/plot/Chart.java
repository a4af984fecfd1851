package dev.anneal.terminal.plot;

import dev.anneal.run.log.Series;
import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Curves over an axis. Per column of dots, the least and the greatest value of its points are drawn
 * and joined to the column before: no spike is lost, and the work is bounded by points plus dots.
 * Values that are not finite leave a gap and a {@code !} on the axis.
 */
public final class Chart {
  private static final int LABEL = 8;
  private static final int ROWS_PER_TICK = 3;
  private static final int COLUMNS_PER_TICK = 12;
  private static final double TRIM = 0.01;

  /** Outliers are told from this many values per curve, evenly chosen: sorting all is slow. */
  private static final int SORTED = 4096;

  /** What is relatively closer is equal, but for rounding. */
  private static final double EQUAL = 1e-9;

  private Chart() {}

  /** Part of the horizontal axis. */
  public record Window(double from, double to) {
    public double width() {
      return to - from;
    }
  }

  /**
   * How to draw.
   *
   * @param window all points when empty
   * @param fitAll whether outliers count for the vertical range
   * @param crosshair where values are read, as a share of the width
   * @param marks whether lines have their glyphs on them, so that they differ without colour
   */
  public record Options(
      XAxis x,
      boolean logY,
      Optional<Window> window,
      boolean fitAll,
      boolean guides,
      Optional<Double> crosshair,
      boolean marks,
      Glyphs glyphs) {

    public static Options plain(Glyphs glyphs) {
      return new Options(
          XAxis.STEP, false, Optional.empty(), true, false, Optional.empty(), false, glyphs);
    }
  }

  private record Range(double low, double high, boolean log) {
    double share(double value) {
      double share = (scaled(value) - scaled(low)) / (scaled(high) - scaled(low));
      return Double.isNaN(share) ? 0.5 : share;
    }

    double value(double share) {
      double scaled = scaled(low) + share * (scaled(high) - scaled(low));
      return log ? Math.exp(scaled) : scaled;
    }

    private double scaled(double value) {
      return log ? Math.log(value) : value;
    }
  }

  /** The window that holds all points of all curves. */
  public static Window everything(List<Curve> curves, XAxis axis) {
    double from = Double.POSITIVE_INFINITY;
    double to = Double.NEGATIVE_INFINITY;
    for (Curve curve : curves) {
      Series s = curve.series();
      if (!s.isEmpty()) {
        from = Math.min(from, axis.of(s, 0, curve.tokensPerStep()));
        to = Math.max(to, axis.of(s, s.size() - 1, curve.tokensPerStep()));
      }
    }
    return from > to ? new Window(0, 1) : new Window(from, to > from ? to : from + 1);
  }

  /** Draws the curves; those that come last lie on top. */
  public static void draw(Region region, List<Curve> curves, Options options) {
    if (region.width() < LABEL + 4 || region.height() < 3) {
      return;
    }
    if (curves.stream().allMatch(curve -> curve.series().isEmpty())) {
      region.put(LABEL, region.height() / 2, "no points yet", Style.DIM);
      return;
    }
    Window window = options.window().orElseGet(() -> everything(curves, options.x()));
    Range range = range(curves, window, options);
    Region plot = region.part(LABEL, 0, region.width() - LABEL, region.height() - 1);
    axes(region, plot, window, range, options);
    DotCanvas canvas = new DotCanvas(plot, options.glyphs());
    for (Curve curve : curves) {
      if (!curve.points()) {
        line(canvas, curve, window, range, options);
      }
    }
    canvas.paint();
    if (options.marks()) {
      marks(plot, curves, window, range, options);
    }
    for (Curve curve : curves) {
      if (curve.points()) {
        points(plot, curve, window, range, options);
      }
      gaps(region, plot, curve, window, options);
    }
    options.crosshair().ifPresent(at -> crosshair(plot, curves, window, at, options));
  }

  private static Range range(List<Curve> curves, Window window, Options options) {
    DoubleStream all = DoubleStream.empty();
    for (Curve curve : curves) {
      int from = first(curve, window.from(), options.x());
      int to = first(curve, Math.nextUp(window.to()), options.x());
      int stride = options.fitAll() ? 1 : Math.max(1, (to - from) / SORTED);
      double[] values = curve.series().values();
      all =
          DoubleStream.concat(
              all,
              IntStream.range(0, Math.ceilDiv(to - from, stride))
                  .mapToDouble(i -> values[from + i * stride]));
    }
    all = all.filter(v -> Double.isFinite(v) && (!options.logY() || v > 0));
    double low;
    double high;
    if (options.fitAll()) {
      DoubleSummaryStatistics extent = all.summaryStatistics();
      low = extent.getMin();
      high = extent.getMax();
    } else {
      double[] sorted = all.sorted().toArray();
      int trimmed = (int) (sorted.length * TRIM);
      low = sorted.length == 0 ? Double.POSITIVE_INFINITY : sorted[trimmed];
      high = sorted.length == 0 ? Double.NEGATIVE_INFINITY : sorted[sorted.length - 1 - trimmed];
    }
    if (low > high) {
      return new Range(0, 1, false);
    }
    if (high - low <= EQUAL * Math.max(Math.abs(low), Math.abs(high))) {
      double margin = low == 0 ? 1 : Math.abs(low) * 0.1;
      low -= margin;
      high += margin;
    }
    return new Range(low, high, options.logY());
  }

  /** The first point of a curve at or after {@code x}. */
  private static int first(Curve curve, double x, XAxis axis) {
    int low = 0;
    int high = curve.series().size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (axis.of(curve.series(), middle, curve.tokensPerStep()) < x) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static void axes(
      Region region, Region plot, Window window, Range range, Options options) {
    boolean ascii = options.glyphs() == Glyphs.ASCII;
    int last = plot.height() - 1;
    for (int row = 0; row <= last; row++) {
      region.set(LABEL - 1, row, ascii ? '|' : '│', Style.BORDER);
    }
    int most = Math.max(2, plot.height() / ROWS_PER_TICK);
    List<Ticks.Tick> ticks =
        range.log()
            ? Ticks.logarithmic(range.low(), range.high(), most)
            : Ticks.linear(range.low(), range.high(), most);
    Set<Integer> taken = new HashSet<>();
    for (Ticks.Tick tick : ticks) {
      int row = row(range, tick.value(), plot.height());
      if (row < 0 || row > last || !taken.add(row)) {
        continue;
      }
      String label =
          tick.label().length() < LABEL
              ? tick.label()
              : number(tick.value(), range.high() - range.low());
      region.put(LABEL - 1 - label.length(), row, label, Style.DIM);
      region.set(LABEL - 1, row, ascii ? '+' : '┤', Style.BORDER);
      if (options.guides()) {
        for (int column = 0; column < plot.width(); column += 2) {
          plot.set(column, row, ascii ? '-' : '╌', Style.BORDER);
        }
      }
    }
    xTicks(region, plot, window, options);
  }

  /** Labels below the places that they name, as many as do not touch. */
  private static void xTicks(Region region, Region plot, Window window, Options options) {
    int bottom = region.height() - 1;
    int free = 0;
    int most = Math.max(2, plot.width() / COLUMNS_PER_TICK);
    for (Ticks.Tick tick : options.x().ticks(window.from(), window.to(), most)) {
      double share = (tick.value() - window.from()) / window.width();
      int column = LABEL + (int) Math.round(share * (plot.width() - 1));
      int width = tick.label().length();
      int left = Math.clamp(column - width / 2, 0, Math.max(0, region.width() - width));
      if (left >= free) {
        region.put(left, bottom, tick.label(), Style.DIM);
        free = left + width + 1;
      }
    }
  }

  /**
   * A number in at most seven characters.
   *
   * @param spread of the numbers that it stands beside, which should look different
   */
  static String number(double value, double spread) {
    double size = Math.abs(value);
    if (size != 0 && (size < 0.001 || size >= 100_000)) {
      return String.format(Locale.ROOT, "%.1e", value);
    }
    int usual = size < 1 ? 4 : size < 1000 ? 3 : 0;
    int most = size < 10 ? 5 : size < 100 ? 4 : usual;
    int needed = spread > 0 ? 1 - (int) Math.floor(Math.log10(spread)) : 0;
    return String.format(Locale.ROOT, "%." + Math.clamp(needed, usual, most) + "f", value);
  }

  private static int row(Range range, double value, int height) {
    // What lies between two rows must not jump from one to the other for its rounding's sake.
    double row = (1 - range.share(value)) * (height - 1) - EQUAL;
    return Math.clamp(Math.round(row), -1, height);
  }

  private static void line(
      DotCanvas canvas, Curve curve, Window window, Range range, Options options) {
    Series s = curve.series();
    int from = Math.max(0, first(curve, window.from(), options.x()) - 1);
    int to = Math.min(s.size(), first(curve, Math.nextUp(window.to()), options.x()) + 1);
    int beforeX = Integer.MIN_VALUE;
    int beforeY = 0;
    int i = from;
    while (i < to) {
      double value = s.values()[i];
      if (!drawable(value, range)) {
        beforeX = Integer.MIN_VALUE;
        i++;
        continue;
      }
      int x = column(curve, i, window, canvas.width(), options);
      int y = row(range, value, canvas.height());
      int least = y;
      int most = y;
      int end = y;
      int j = i + 1;
      while (j < to
          && drawable(s.values()[j], range)
          && column(curve, j, window, canvas.width(), options) == x) {
        end = row(range, s.values()[j], canvas.height());
        least = Math.min(least, end);
        most = Math.max(most, end);
        j++;
      }
      if (beforeX != Integer.MIN_VALUE) {
        canvas.line(beforeX, beforeY, x, y, curve.style(), curve.glyph());
      }
      canvas.vertical(x, least, most, curve.style(), curve.glyph());
      beforeX = x;
      beforeY = end;
      i = j;
    }
  }

  /** Each line's glyph on it, here and there, and not where the others have theirs. */
  private static void marks(
      Region plot, List<Curve> curves, Window window, Range range, Options options) {
    List<Curve> lines = curves.stream().filter(c -> !c.points() && c.isMarked()).toList();
    int apart = Math.max(2 * lines.size(), COLUMNS_PER_TICK);
    for (int i = 0; i < lines.size(); i++) {
      Curve curve = lines.get(i);
      int marked = 0;
      for (int column = (2 * i + 1) * apart / (2 * lines.size());
          column < plot.width();
          column += apart) {
        double x = window.from() + window.width() * column / Math.max(1, plot.width() - 1);
        int at = first(curve, x, options.x());
        if (at < curve.series().size()) {
          marked++;
          mark(plot, curve, at, column, range);
        }
      }
      int last = first(curve, Math.nextUp(window.to()), options.x()) - 1;
      if (marked == 0 && last >= 0) {
        // A short one has its mark at the end.
        mark(plot, curve, last, column(curve, last, window, plot.width(), options), range);
      }
    }
  }

  private static void mark(Region plot, Curve curve, int at, int column, Range range) {
    double value = curve.series().values()[at];
    if (drawable(value, range)) {
      plot.set(column, row(range, value, plot.height()), curve.glyph(), curve.style());
    }
  }

  private static boolean drawable(double value, Range range) {
    return Double.isFinite(value) && (!range.log() || value > 0);
  }

  private static int column(Curve curve, int i, Window window, int width, Options options) {
    double x = options.x().of(curve.series(), i, curve.tokensPerStep());
    double share = (x - window.from()) / window.width();
    // A point far outside must not make a line of a billion dots.
    return (int) Math.round(Math.clamp(share, -0.1, 1.1) * (width - 1));
  }

  private static void points(
      Region plot, Curve curve, Window window, Range range, Options options) {
    Series s = curve.series();
    int to = first(curve, Math.nextUp(window.to()), options.x());
    for (int i = first(curve, window.from(), options.x()); i < to; i++) {
      if (drawable(s.values()[i], range)) {
        int x = column(curve, i, window, plot.width(), options);
        plot.set(x, row(range, s.values()[i], plot.height()), curve.glyph(), curve.style());
      }
    }
  }

  /** A red mark on the axis where a value is NaN or infinite. */
  private static void gaps(
      Region region, Region plot, Curve curve, Window window, Options options) {
    Series s = curve.series();
    int to = first(curve, Math.nextUp(window.to()), options.x());
    for (int i = first(curve, window.from(), options.x()); i < to; i++) {
      if (!Double.isFinite(s.values()[i])) {
        int x = column(curve, i, window, plot.width(), options);
        plot.set(x, plot.height() - 1, '!', Style.BAD);
      }
    }
  }

  private static void crosshair(
      Region plot, List<Curve> curves, Window window, double at, Options options) {
    int column = (int) Math.round(at * (plot.width() - 1));
    for (int row = 0; row < plot.height(); row++) {
      plot.set(column, row, options.glyphs() == Glyphs.ASCII ? '|' : '│', Style.BOLD);
    }
    double x = window.from() + at * window.width();
    List<String> values = new ArrayList<>();
    values.add(options.x().key() + " " + options.x().label(x));
    for (Curve curve : curves) {
      int i = Math.min(curve.series().size() - 1, first(curve, x, options.x()));
      if (i >= 0) {
        values.add(curve.name() + " " + number(curve.series().values()[i], 1));
      }
    }
    String line = String.join("  ", values);
    List<String> lines = line.length() + 2 <= plot.width() ? List.of(line) : values;
    for (int row = 0; row < Math.min(lines.size(), plot.height()); row++) {
      String text = " " + lines.get(row) + " ";
      boolean fits = column + 1 + text.length() <= plot.width();
      int left = fits ? column + 1 : Math.min(column, plot.width()) - text.length();
      plot.put(Math.clamp(left, 0, plot.width()), row, text, Style.SELECTED);
    }
  }
}
