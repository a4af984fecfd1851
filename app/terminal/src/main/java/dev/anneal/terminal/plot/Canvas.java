package dev.anneal.terminal.plot;

import java.util.List;

/** What a picture is drawn on. Lengths are pixels, from the top left; colours are 0xRRGGBB. */
interface Canvas {

  /** Where a text lies from its point. */
  enum Anchor {
    START,
    MIDDLE,
    END
  }

  record Point(double x, double y) {}

  record Stroke(int color, double width, boolean dashed) {}

  /** A line through all points. */
  void line(List<Point> points, Stroke stroke);

  void disc(Point center, double radius, int color);

  void box(Point corner, double width, double height, int color);

  /**
   * A line of text.
   *
   * @param at on its baseline
   * @param degrees clockwise
   */
  void text(String text, Point at, Anchor anchor, double size, double degrees);
}
