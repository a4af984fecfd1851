package dev.anneal.terminal.dashboard;

import dev.anneal.eval.Peak;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.run.log.Series;
import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.Bars;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Step time with percentiles and its breakdown by kind of op, throughput, and what it costs. */
final class SpeedPanel {
  private static final int RECENT = 200;
  private static final int NARROW = 28;

  /** Columns of a time, with a blank on both sides, and of the shortest bar. */
  private static final int TIME = 8;

  private static final int BAR = 6;

  private SpeedPanel() {}

  static void draw(Region box, Scene scene, View view, boolean focused) {
    boolean ascii = view.glyphs == Glyphs.ASCII;
    Region inside = box.box("step time", focused, ascii);
    List<Line> lines = new ArrayList<>();
    times(lines, scene.run(), inside.width() < NARROW);
    throughput(lines, scene);
    system(lines, scene);
    int room = inside.height() - lines.size();
    int row = 0;
    for (Line line : lines.subList(0, 2)) {
      line.draw(inside, row++);
    }
    row = breakdown(inside, scene.run(), view, row, Math.max(0, room));
    for (Line line : lines.subList(2, lines.size())) {
      line.draw(inside, row++);
    }
  }

  private record Line(String name, String value, Style style) {
    void draw(Region inside, int row) {
      int room = inside.width() - value.length();
      inside.put(0, row, inside.fit(name, room - 1), Style.DIM);
      inside.put(Math.max(0, room), row, value, style);
    }
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }

  private static void times(List<Line> lines, History.Snapshot run, boolean narrow) {
    Series ms = run.series(Metric.MS);
    lines.add(new Line("ms", number(ms.last()), Style.BOLD));
    lines.add(
        new Line(
            narrow ? "p50 p95" : "p50 p95 max",
            number(ms.quantile(0.5, RECENT))
                + " "
                + number(ms.quantile(0.95, RECENT))
                + (narrow ? "" : " " + number(ms.quantile(1, RECENT))),
            Style.PLAIN));
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "-" : format(value < 100 ? "%.1f" : "%.0f", value);
  }

  /** The kinds of op that take the most time, and all others together. */
  private static int breakdown(Region inside, History.Snapshot run, View view, int from, int room) {
    Map<String, Double> kinds = run.kinds();
    if (kinds.isEmpty() || room < 2) {
      return from;
    }
    double total = kinds.values().stream().mapToDouble(Double::doubleValue).sum();
    List<Map.Entry<String, Double>> sorted =
        kinds.entrySet().stream()
            .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
            .toList();
    int shown = sorted.size() <= room ? sorted.size() : room - 1;
    int longest = sorted.stream().mapToInt(kind -> kind.getKey().length()).max().orElse(0);
    int names = Math.clamp(longest, 0, Math.max(8, inside.width() - TIME - BAR));
    int row = from;
    double rest = total;
    for (Map.Entry<String, Double> kind : sorted.subList(0, shown)) {
      rest -= kind.getValue();
      bar(inside, row++, names, kind.getKey(), kind.getValue() / total, kind.getValue(), view);
    }
    if (shown < sorted.size()) {
      bar(inside, row++, names, "others", rest / total, rest, view);
    }
    return row;
  }

  private static void bar(
      Region inside, int row, int names, String kind, double share, double ms, View view) {
    inside.put(0, row, inside.fit(kind, names), Style.PLAIN);
    String time = number(ms);
    inside.put(names + TIME - 1 - time.length(), row, time, Style.PLAIN);
    int width = inside.width() - names - TIME;
    if (width > 2) {
      inside.put(names + TIME, row, Bars.share(share, width, view.glyphs), Style.SERIES_2);
    }
  }

  private static void throughput(List<Line> lines, Scene scene) {
    History.Snapshot run = scene.run();
    double ms = run.series(Metric.MS).quantile(0.5, RECENT);
    Optional<Event.Started> started = run.started();
    int tokens = started.map(Event.Started::tokensPerStep).orElse(0);
    double perSecond = tokens / ms * 1000;
    double flops = started.map(Event.Started::flopsPerToken).orElse(0.0) * perSecond;
    lines.add(
        new Line("tokens/s", Double.isNaN(ms) ? "-" : Amounts.scaled(perSecond, ""), Style.PLAIN));
    lines.add(new Line("FLOP/s", Double.isNaN(ms) ? "-" : Amounts.scaled(flops, ""), Style.PLAIN));
    lines.add(
        scene
            .peak()
            .map(
                peak ->
                    new Line(
                        peak.source() == Peak.Source.DATA_SHEET ? "MFU of sheet" : "MFU of bench",
                        Double.isNaN(flops) ? "-" : format("%.0f %%", 100 * flops / peak.flops()),
                        Style.PLAIN))
            .orElse(new Line("MFU", "run bench", Style.PLAIN)));
    lines.add(new Line("lr", exponent(run.series(Metric.LR).last()), Style.PLAIN));
    lines.add(new Line("gradient norm", number2(run.series(Metric.GRAD_NORM).last()), Style.PLAIN));
    lines.add(
        new Line(
            "NaN or inf", "" + run.nonFinite(), run.nonFinite() > 0 ? Style.BAD : Style.PLAIN));
  }

  private static String number2(double value) {
    return Double.isNaN(value) ? "-" : format("%.2f", value);
  }

  private static String exponent(double value) {
    return Double.isNaN(value) ? "-" : format("%.2e", value);
  }

  private static void system(List<Line> lines, Scene scene) {
    Scene.SystemUse use = scene.system();
    long arenas =
        scene.run().started().map(Event.Started::bytes).orElse(Map.of()).values().stream()
            .mapToLong(Long::longValue)
            .sum();
    lines.add(new Line("model memory", Amounts.bytes(arenas), Style.PLAIN));
    if (use.residentBytes() > 0) {
      lines.add(new Line("process", Amounts.bytes(use.residentBytes()), Style.PLAIN));
    }
    lines.add(new Line("cpu", format("%.0f %%", 100 * use.cpu()), Style.PLAIN));
    lines.add(
        new Line(
            "heap, gc",
            Amounts.bytes(use.heapBytes()) + format(" %.1f%%", 100 * use.gcShare()),
            Style.PLAIN));
  }
}
