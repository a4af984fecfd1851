package dev.anneal.terminal.plot;

import dev.anneal.terminal.frame.Palette;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.plot.Canvas.Anchor;
import dev.anneal.terminal.plot.Canvas.Point;
import dev.anneal.terminal.plot.Canvas.Stroke;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Groups of bars as a picture. */
public final class BarsFile {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 640;
  private static final double BOTTOM = HEIGHT - 150;
  private static final int TICKS = 8;
  private static final double LABEL_DEGREES = -45;
  private static final double FILLED = 0.8;

  private BarsFile() {}

  /**
   * The picture's file.
   *
   * @param series a value per label, by name
   */
  public static byte[] draw(
      Picture.Format format,
      String title,
      String vertical,
      List<String> labels,
      Map<String, List<Double>> series) {
    return Picture.draw(
        format, WIDTH, HEIGHT, canvas -> draw(canvas, title, vertical, labels, series));
  }

  private static void draw(
      Canvas canvas,
      String title,
      String vertical,
      List<String> labels,
      Map<String, List<Double>> series) {
    List<PictureFrame.Entry> legend = new ArrayList<>();
    for (String name : series.keySet()) {
      int color = Math.max(0, Palette.ink(Style.series(legend.size() + 1)).color());
      legend.add(new PictureFrame.Entry(name, new Stroke(color, 1, false)));
    }
    PictureFrame frame = new PictureFrame(canvas, WIDTH, HEIGHT, legend);
    double most =
        series.values().stream()
            .flatMap(List::stream)
            .mapToDouble(Double::doubleValue)
            .filter(Double::isFinite)
            .max()
            .orElse(1);
    PictureAxis y = PictureAxis.over(0, most > 0 ? most : 1, false, BOTTOM, frame.top());
    frame.vertical(y, TICKS);
    double group = (WIDTH - PictureFrame.LEFT - PictureFrame.RIGHT) / Math.max(1, labels.size());
    double bar = group * FILLED / Math.max(1, series.size());
    int s = 0;
    for (List<Double> values : series.values()) {
      int color = legend.get(s).stroke().color();
      for (int i = 0; i < labels.size(); i++) {
        double value = values.get(i);
        if (Double.isFinite(value) && value > 0) {
          double left = PictureFrame.LEFT + group * (i + (1 - FILLED) / 2) + bar * s;
          canvas.box(new Point(left, y.pixel(value)), bar, BOTTOM - y.pixel(value), color);
        }
      }
      s++;
    }
    for (int i = 0; i < labels.size(); i++) {
      Point end = new Point(PictureFrame.LEFT + group * (i + 0.5), BOTTOM + 16);
      canvas.text(labels.get(i), end, Anchor.END, PictureFrame.SMALL, LABEL_DEGREES);
    }
    frame.titles(title, vertical);
  }
}
