package dev.anneal.terminal.plot;

import dev.anneal.run.log.Series;
import dev.anneal.terminal.frame.Palette;
import dev.anneal.terminal.plot.Canvas.Anchor;
import dev.anneal.terminal.plot.Canvas.Point;
import dev.anneal.terminal.plot.Canvas.Stroke;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Curves as a picture, from the data and not from the screen's cells. Of a column of pixels, the
 * least and the greatest value are drawn, so that no spike is lost and the file stays small.
 */
public final class ChartFile {
  private static final int WIDTH = 1000;
  private static final int HEIGHT = 600;
  private static final double BOTTOM = HEIGHT - 52;
  private static final int X_TICKS = 10;
  private static final int Y_TICKS = 8;

  /** More would be a band. */
  private static final int MOST_DISCS = 200;

  /** How many styles of series there are. */
  private static final int COLORS = 6;

  private ChartFile() {}

  /**
   * What a picture says.
   *
   * @param logY logarithmic, where values are above 0
   */
  public record Labels(String title, String vertical, XAxis x, boolean logY) {}

  /** The picture's file. */
  public static byte[] draw(Picture.Format format, Labels labels, List<Curve> curves) {
    return Picture.draw(format, WIDTH, HEIGHT, canvas -> draw(canvas, labels, curves));
  }

  private static void draw(Canvas canvas, Labels labels, List<Curve> all) {
    List<Curve> curves = all.stream().filter(curve -> !curve.series().isEmpty()).toList();
    List<PictureFrame.Entry> legend = new ArrayList<>();
    for (int i = 0; i < curves.size(); i++) {
      legend.add(new PictureFrame.Entry(curves.get(i).name(), stroke(curves.get(i), i)));
    }
    PictureFrame frame = new PictureFrame(canvas, WIDTH, HEIGHT, legend);
    Chart.Window window = Chart.everything(curves, labels.x());
    PictureAxis x =
        PictureAxis.over(
            window.from(), window.to(), false, PictureFrame.LEFT, WIDTH - PictureFrame.RIGHT);
    PictureAxis y = vertical(curves, labels.logY(), frame.top());
    frame.vertical(y, Y_TICKS);
    for (double tick : x.ticks(X_TICKS)) {
      double at = x.pixel(tick);
      canvas.line(List.of(new Point(at, BOTTOM), new Point(at, BOTTOM + 5)), PictureFrame.LINE);
      String label = labels.x().label(tick);
      canvas.text(label, new Point(at, BOTTOM + 20), Anchor.MIDDLE, PictureFrame.SMALL, 0);
    }
    canvas.text(
        labels.x().key(),
        new Point((PictureFrame.LEFT + WIDTH - PictureFrame.RIGHT) / 2, HEIGHT - 12),
        Anchor.MIDDLE,
        PictureFrame.SMALL,
        0);
    for (int i = 0; i < curves.size(); i++) {
      draw(canvas, curves.get(i), legend.get(i).stroke(), labels.x(), x, y);
    }
    frame.titles(labels.title(), labels.vertical());
  }

  /** Colours come again after some curves, then dashed. */
  private static Stroke stroke(Curve curve, int index) {
    int color = Math.max(0, Palette.ink(curve.style()).color());
    return new Stroke(color, curve.points() ? 2 : 1.5, index / COLORS % 2 == 1);
  }

  private static PictureAxis vertical(List<Curve> curves, boolean logY, double top) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (Curve curve : curves) {
      double[] values = curve.series().values();
      for (int i = 0; i < curve.series().size(); i++) {
        if (Double.isFinite(values[i]) && (!logY || values[i] > 0)) {
          low = Math.min(low, values[i]);
          high = Math.max(high, values[i]);
        }
      }
    }
    return PictureAxis.over(low, high, logY, BOTTOM, top);
  }

  private static void draw(
      Canvas canvas, Curve curve, Stroke stroke, XAxis axis, PictureAxis x, PictureAxis y) {
    Series s = curve.series();
    if (curve.points() && s.size() <= MOST_DISCS) {
      IntStream.range(0, s.size())
          .filter(i -> y.has(s.values()[i]))
          .mapToObj(i -> new Point(at(curve, i, axis, x), y.pixel(s.values()[i])))
          .forEach(point -> canvas.disc(point, 3.5, stroke.color()));
    }
    List<Point> line = new ArrayList<>();
    int i = 0;
    while (i < s.size()) {
      if (!y.has(s.values()[i])) {
        stroke(canvas, line, stroke);
        i++;
        continue;
      }
      i = column(curve, i, axis, x, y, line);
    }
    stroke(canvas, line, stroke);
  }

  /**
   * Adds the points of one column of pixels, from {@code first} on; returns the next after them.
   */
  private static int column(
      Curve curve, int first, XAxis axis, PictureAxis x, PictureAxis y, List<Point> line) {
    double[] values = curve.series().values();
    double column = Math.rint(at(curve, first, axis, x));
    int least = first;
    int most = first;
    int i = first + 1;
    while (i < curve.series().size()
        && y.has(values[i])
        && Math.rint(at(curve, i, axis, x)) == column) {
      least = values[i] < values[least] ? i : least;
      most = values[i] > values[most] ? i : most;
      i++;
    }
    if (i == first + 1) {
      line.add(new Point(at(curve, first, axis, x), y.pixel(values[first])));
      return i;
    }
    line.add(new Point(column, y.pixel(values[Math.min(least, most)])));
    line.add(new Point(column, y.pixel(values[Math.max(least, most)])));
    return i;
  }

  private static double at(Curve curve, int i, XAxis axis, PictureAxis x) {
    return x.pixel(axis.of(curve.series(), i, curve.tokensPerStep()));
  }

  private static void stroke(Canvas canvas, List<Point> line, Stroke stroke) {
    if (line.size() > 1) {
      canvas.line(List.copyOf(line), stroke);
    } else if (line.size() == 1) {
      canvas.disc(line.getFirst(), stroke.width(), stroke.color());
    }
    line.clear();
  }
}
