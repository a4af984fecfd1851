package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.run.log.Series;
import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Palette;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.plot.Chart;
import dev.anneal.terminal.plot.Curve;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The chart of a metric: raw, smoothed, validation, and the same of other runs. */
final class ChartPanel {
  /** The marks of other runs' curves, one after the other. */
  private static final String MARKS = "x+*%@&=~";

  private ChartPanel() {}

  /** The curves, those on top last. */
  static List<Curve> curves(Scene scene, View view, Metric metric) {
    List<Curve> curves = new ArrayList<>();
    int other = 0;
    for (Map.Entry<String, History.Snapshot> run : scene.others().entrySet()) {
      Series series = run.getValue().series(metric).smoothed(view.smoothing());
      curves.add(
          new Curve(
              run.getKey(),
              series,
              Style.series(3 + other % 3),
              MARKS.charAt(other % MARKS.length()),
              false,
              tokens(run.getValue())));
      other++;
    }
    int tokens = tokens(scene.run());
    Series raw = scene.run().series(metric);
    boolean points = metric == Metric.VAL_LOSS;
    if (points || view.curves != View.Curves.SMOOTHED) {
      curves.add(new Curve(metric.key(), raw, Style.SERIES_1, '.', false, tokens));
    }
    boolean smooth = view.smoothing() > 0 || view.curves == View.Curves.SMOOTHED;
    if (!points && smooth && view.curves != View.Curves.RAW) {
      String name = String.format(Locale.ROOT, "ema %s", number(view.smoothing()));
      curves.add(
          new Curve(name, raw.smoothed(view.smoothing()), Style.SERIES_2, '#', false, tokens));
    }
    if (metric == Metric.LOSS) {
      Series validation = scene.run().series(Metric.VAL_LOSS);
      curves.add(new Curve("val", validation, Style.SERIES_3, 'o', true, tokens));
    }
    return curves;
  }

  private static String number(double weight) {
    String text = String.format(Locale.ROOT, "%.3f", weight);
    return text.replaceAll("0+$", "").replaceAll("\\.$", "");
  }

  private static int tokens(History.Snapshot run) {
    return run.started().map(Event.Started::tokensPerStep).orElse(1);
  }

  static void draw(Region box, Scene scene, View view, Metric metric, boolean focused) {
    List<Curve> curves = curves(scene, view, metric);
    boolean ascii = view.glyphs == Glyphs.ASCII;
    String title =
        metric.key()
            + (view.logY ? "  log y" : "")
            + "  x="
            + view.xAxis.key()
            + (view.window.isEmpty() ? "" : view.follow ? "  follow" : "  zoomed");
    Region inside = box.box(title, focused, ascii);
    legend(inside, curves, ascii, !scene.others().isEmpty());
    Chart.Window all = Chart.everything(curves, view.xAxis);
    Chart.draw(
        inside.part(0, 1, inside.width(), inside.height() - 1),
        curves,
        new Chart.Options(
            view.xAxis,
            view.logY,
            view.windowIn(all),
            view.fitY,
            view.guides,
            view.crosshair ? Optional.of(view.crosshairAt) : Optional.empty(),
            !scene.others().isEmpty(),
            view.glyphs));
  }

  private static void legend(Region inside, List<Curve> curves, boolean ascii, boolean marks) {
    int at = 8;
    for (Curve curve : curves) {
      // Without marks on them, lines of dots differ in nothing but colour and weight.
      String line = Palette.ink(curve.style()).bold() ? "━" : "─";
      boolean marked = curve.points() || ascii || marks && curve.isMarked();
      String mark = marked ? "" + curve.glyph() : line;
      at = inside.put(at, 0, mark + " ", curve.style());
      at = inside.put(at, 0, curve.name() + "  ", Style.DIM);
    }
  }
}
