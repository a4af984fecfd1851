package dev.anneal.terminal.plot;

import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.Arrays;

/**
 * Dots finer than cells: 2 by 4 per cell as braille, 2 by 2 as quadrants, 1 by 2 in ASCII. A cell
 * has one style, that of the last dot set in it, so what matters most is drawn last.
 */
final class DotCanvas {
  private static final int[][] BRAILLE = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

  /** Quadrants by bits: 1 upper left, 2 upper right, 4 lower left, 8 lower right. */
  private static final String QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█";

  private final Region region;
  private final Glyphs glyphs;
  private final int perX;
  private final int perY;
  private final int[] bits;
  private final Style[] styles;
  private final char[] ascii;

  DotCanvas(Region region, Glyphs glyphs) {
    this.region = region;
    this.glyphs = glyphs;
    this.perX = glyphs == Glyphs.ASCII ? 1 : 2;
    this.perY = glyphs == Glyphs.BRAILLE ? 4 : 2;
    int cells = Math.max(0, region.width()) * Math.max(0, region.height());
    this.bits = new int[cells];
    this.styles = new Style[cells];
    this.ascii = new char[cells];
    Arrays.fill(styles, Style.PLAIN);
  }

  /** Dots across. */
  int width() {
    return region.width() * perX;
  }

  /** Dots down. */
  int height() {
    return region.height() * perY;
  }

  /**
   * Sets the dot at {@code (x, y)}, y from the top.
   *
   * @param glyph for ASCII, so that curves differ without colour
   */
  void dot(int x, int y, Style style, char glyph) {
    if (x < 0 || y < 0 || x >= width() || y >= height()) {
      return;
    }
    int cell = y / perY * region.width() + x / perX;
    bits[cell] |=
        glyphs == Glyphs.BRAILLE
            ? BRAILLE[y % perY][x % perX]
            : 1 << (y % perY * (glyphs == Glyphs.ASCII ? 1 : 2) + x % perX);
    styles[cell] = style;
    ascii[cell] = glyph;
  }

  /** All dots of a column from one row to another. */
  void vertical(int x, int y0, int y1, Style style, char glyph) {
    for (int y = Math.max(0, Math.min(y0, y1));
        y <= Math.min(height() - 1, Math.max(y0, y1));
        y++) {
      dot(x, y, style, glyph);
    }
  }

  /** A line between two dots, steep parts as vertical runs. */
  void line(int x0, int y0, int x1, int y1, Style style, char glyph) {
    int columns = x1 - x0;
    if (columns <= 0) {
      vertical(x1, y0, y1, style, glyph);
      return;
    }
    int before = y0;
    for (int i = 1; i <= columns; i++) {
      int y = y0 + (int) Math.round((double) (y1 - y0) * i / columns);
      int from = before < y ? before + 1 : before > y ? before - 1 : y;
      vertical(x0 + i, i == columns ? y : from, y, style, glyph);
      if (Math.abs(from - y) > 0) {
        vertical(x0 + i, from, y, style, glyph);
      }
      before = y;
    }
  }

  /** Draws all cells that have a dot. */
  void paint() {
    for (int cell = 0; cell < bits.length; cell++) {
      if (bits[cell] == 0) {
        continue;
      }
      int character =
          switch (glyphs) {
            case BRAILLE -> 0x2800 + bits[cell];
            case BLOCK -> QUADRANTS.charAt(bits[cell]);
            case ASCII -> ascii[cell];
          };
      region.set(cell % region.width(), cell / region.width(), character, styles[cell]);
    }
  }
}
