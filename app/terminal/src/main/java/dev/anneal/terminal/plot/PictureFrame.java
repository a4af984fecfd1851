package dev.anneal.terminal.plot;

import dev.anneal.terminal.plot.Canvas.Anchor;
import dev.anneal.terminal.plot.Canvas.Point;
import dev.anneal.terminal.plot.Canvas.Stroke;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What pictures have around their data: a title, a legend, the vertical axis and its lines. */
record PictureFrame(Canvas canvas, int width, int height, List<Entry> legend) {
  static final double SMALL = 12;
  static final double LARGE = 16;
  static final Stroke LINE = new Stroke(0x808080, 1, false);
  private static final int GRID = 0xe4e4e4;
  static final double LEFT = 76;
  static final double RIGHT = 24;
  private static final double TITLE = 46;
  private static final double ROW = 18;
  private static final double SWATCH = 24;

  /** Roughly, of a character of the small size: SVG leaves the font to the viewer. */
  private static final double CHARACTER = 6.8;

  /** A name and how it is drawn. */
  record Entry(String name, Stroke stroke) {}

  /** Where each entry of the legend begins: as many to a row as fit. */
  private List<Point> places() {
    List<Point> places = new ArrayList<>();
    double x = LEFT;
    double y = TITLE;
    for (Entry entry : legend) {
      double needed = SWATCH + CHARACTER * entry.name().length() + 20;
      if (x > LEFT && x + needed > width) {
        x = LEFT;
        y += ROW;
      }
      places.add(new Point(x, y));
      x += needed;
    }
    return places;
  }

  /** Where the data may begin. */
  double top() {
    return legend.isEmpty() ? TITLE : places().getLast().y() + ROW;
  }

  void titles(String title, String vertical) {
    canvas.text(title, new Point(width / 2.0, 24), Anchor.MIDDLE, LARGE, 0);
    canvas.text(vertical, new Point(20, (top() + height) / 2.0), Anchor.MIDDLE, SMALL, -90);
    List<Point> places = places();
    for (int i = 0; i < legend.size(); i++) {
      Point at = places.get(i);
      Stroke stroke = legend.get(i).stroke();
      canvas.line(
          List.of(new Point(at.x(), at.y() - 1), new Point(at.x() + 18, at.y() - 1)),
          new Stroke(stroke.color(), 5, stroke.dashed()));
      canvas.text(
          legend.get(i).name(), new Point(at.x() + SWATCH, at.y() + 3), Anchor.START, SMALL, 0);
    }
  }

  /** Lines across, with their values at the left. */
  void vertical(PictureAxis axis, int ticks) {
    List<Double> values = axis.ticks(ticks);
    double step = values.size() > 1 ? values.get(1) - values.get(0) : axis.high() - axis.low();
    for (double value : values) {
      double y = axis.pixel(value);
      canvas.line(
          List.of(new Point(LEFT, y), new Point(width - RIGHT, y)), new Stroke(GRID, 1, false));
      String label = label(value, axis.log() ? value : step);
      canvas.text(label, new Point(LEFT - 8, y + 4), Anchor.END, SMALL, 0);
    }
    canvas.line(
        List.of(
            new Point(LEFT, axis.end()),
            new Point(LEFT, axis.start()),
            new Point(width - RIGHT, axis.start())),
        LINE);
  }

  /** As many places as tell one tick from the next. */
  private static String label(double value, double step) {
    double size = Math.abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e6)) {
      return String.format(Locale.ROOT, "%.1e", value);
    }
    int places = Math.clamp((int) Math.ceil(-Math.log10(step) - 1e-9), 0, 6);
    return String.format(Locale.ROOT, "%." + places + "f", value);
  }
}
