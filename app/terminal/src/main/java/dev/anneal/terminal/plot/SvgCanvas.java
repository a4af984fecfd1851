package dev.anneal.terminal.plot;

import java.util.List;
import java.util.Locale;

/** A picture as SVG: a path per line, and text that stays text, to be found, copied and read. */
final class SvgCanvas implements Canvas {
  private static final int REPLACEMENT = 0xFFFD;

  private final StringBuilder body = new StringBuilder();
  private final int width;
  private final int height;

  SvgCanvas(int width, int height) {
    this.width = width;
    this.height = height;
  }

  @Override
  public void line(List<Point> points, Stroke stroke) {
    StringBuilder path = new StringBuilder();
    for (Point point : points) {
      path.append(path.isEmpty() ? 'M' : ' ').append(number(point.x()));
      path.append(' ').append(number(point.y()));
    }
    body.append(
        "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"%s/>%n"
            .formatted(
                path,
                color(stroke.color()),
                number(stroke.width()),
                stroke.dashed() ? " stroke-dasharray=\"6 3\"" : ""));
  }

  @Override
  public void disc(Point center, double radius, int color) {
    body.append(
        "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" fill=\"%s\"/>%n"
            .formatted(number(center.x()), number(center.y()), number(radius), color(color)));
  }

  @Override
  public void box(Point corner, double width, double height, int color) {
    body.append(
        "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\"/>%n"
            .formatted(
                number(corner.x()),
                number(corner.y()),
                number(width),
                number(height),
                color(color)));
  }

  @Override
  public void text(String text, Point at, Anchor anchor, double size, double degrees) {
    String turned =
        degrees == 0
            ? ""
            : " transform=\"rotate(%s %s %s)\""
                .formatted(number(degrees), number(at.x()), number(at.y()));
    body.append(
        "<text x=\"%s\" y=\"%s\" font-size=\"%s\" text-anchor=\"%s\"%s>%s</text>%n"
            .formatted(
                number(at.x()),
                number(at.y()),
                number(size),
                anchor.name().toLowerCase(Locale.ROOT),
                turned,
                escaped(text)));
  }

  /** The whole document. */
  String document() {
    return """
    <?xml version="1.0" encoding="UTF-8"?>
    <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" \
    font-family="sans-serif" stroke-linejoin="round">
    <rect width="100%%" height="100%%" fill="#ffffff"/>
    %s</svg>
    """
        .formatted(width, height, width, height, body);
  }

  /** A tenth of a pixel is enough, and most numbers need no fraction. */
  private static String number(double value) {
    long tenths = Math.round(value * 10);
    return tenths % 10 == 0
        ? Long.toString(tenths / 10)
        : String.format(Locale.ROOT, "%.1f", tenths / 10.0);
  }

  private static String color(int rgb) {
    return String.format(Locale.ROOT, "#%06x", rgb);
  }

  /** Characters that mean something to XML, or that it may not have at all. */
  private static String escaped(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                default -> out.appendCodePoint(isAllowed(c) ? c : REPLACEMENT);
              }
            });
    return out.toString();
  }

  private static boolean isAllowed(int c) {
    return !Character.isISOControl(c)
        && Character.getType(c) != Character.SURROGATE
        && (c & 0xFFFE) != 0xFFFE;
  }
}
