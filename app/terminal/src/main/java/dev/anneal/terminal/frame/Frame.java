package dev.anneal.terminal.frame;

import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Look.Colors;
import dev.anneal.terminal.text.Printable;
import java.util.Arrays;

/**
 * A screenful of cells, each a character as people see it and a style; one that is two cells wide
 * leaves the second empty. What does not fit is cut off. A frame in ASCII shows other characters as
 * {@code ?}.
 */
public final class Frame {
  private static final String BLANK = " ";

  /** What has more marks on one letter is meant to break a screen. */
  private static final int MOST_MARKS = 24;

  private final int width;
  private final int height;
  private final String[] cells;
  private final Style[] styles;
  private final boolean ascii;

  public Frame(int width, int height, boolean ascii) {
    this.width = width;
    this.height = height;
    this.cells = new String[width * height];
    this.styles = new Style[width * height];
    this.ascii = ascii;
    Arrays.fill(cells, BLANK);
    Arrays.fill(styles, Style.PLAIN);
  }

  public int width() {
    return width;
  }

  public int height() {
    return height;
  }

  /** The character of a cell; empty where the one before is two cells wide. */
  public String cell(int x, int y) {
    return cells[y * width + x];
  }

  public Style style(int x, int y) {
    return styles[y * width + x];
  }

  public void set(int x, int y, int character, Style style) {
    set(x, y, Cells.single(ascii && character > '~' ? '?' : character), style);
  }

  /** Sets one cell; half of a wide character that it covers leaves a blank. */
  private void set(int x, int y, String character, Style style) {
    if (x < 0 || y < 0 || x >= width || y >= height) {
      return;
    }
    int at = y * width + x;
    if (cells[at].isEmpty() && !character.isEmpty() && x > 0) {
      cells[at - 1] = BLANK;
    }
    if (x + 1 < width && cells[at + 1].isEmpty()) {
      cells[at + 1] = BLANK;
    }
    cells[at] = character;
    styles[at] = style;
  }

  /** The whole frame as a region. */
  public Region region() {
    return new Region(this, 0, 0, width, height);
  }

  /** The lines, without trailing blanks. */
  public String text() {
    StringBuilder text = new StringBuilder();
    for (int y = 0; y < height; y++) {
      StringBuilder line = new StringBuilder();
      for (int x = 0; x < width; x++) {
        line.append(cell(x, y));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** The lines with colours, for a terminal's scrollback. */
  public String ansi(Colors colors) {
    if (colors == Colors.NONE) {
      return text();
    }
    StringBuilder text = new StringBuilder();
    for (int y = 0; y < height; y++) {
      int end = width;
      while (end > 0 && cell(end - 1, y).equals(BLANK) && style(end - 1, y) == Style.PLAIN) {
        end--;
      }
      Style before = Style.PLAIN;
      for (int x = 0; x < end; x++) {
        Style style = style(x, y);
        if (style != before) {
          text.append(sgr(style, colors));
          before = style;
        }
        text.append(cell(x, y));
      }
      text.append(before == Style.PLAIN ? "" : "\033[0m").append('\n');
    }
    return text.toString();
  }

  private static String sgr(Style style, Colors colors) {
    Palette.Ink ink = Palette.ink(style);
    StringBuilder sgr = new StringBuilder("\033[0");
    if (ink.bold()) {
      sgr.append(";1");
    }
    if (ink.reverse()) {
      sgr.append(";7");
    }
    int rgb = ink.color();
    if (rgb >= 0) {
      switch (colors) {
        case TRUE ->
            sgr.append(";38;2;")
                .append(rgb >> 16 & 255)
                .append(';')
                .append(rgb >> 8 & 255)
                .append(';')
                .append(rgb & 255);
        case INDEXED -> sgr.append(";38;5;").append(Palette.indexed(rgb));
        case SIXTEEN -> {
          int c = Palette.ansi(rgb);
          sgr.append(';').append(c < 8 ? 30 + c : 82 + c);
        }
        case NONE -> {}
      }
    }
    return sgr.append('m').toString();
  }

  /** A rectangle of a frame, with its own coordinates; cells outside of it are not touched. */
  public record Region(Frame frame, int x, int y, int width, int height) {

    public Region part(int left, int top, int w, int h) {
      int l = Math.clamp(left, 0, Math.max(0, width));
      int t = Math.clamp(top, 0, Math.max(0, height));
      return new Region(
          frame, x + l, y + t, Math.clamp(w, 0, width - l), Math.clamp(h, 0, height - t));
    }

    public void set(int column, int row, int character, Style style) {
      if (column >= 0 && row >= 0 && column < width && row < height) {
        frame.set(x + column, y + row, character, style);
      }
    }

    /**
     * Writes text from a column on; control characters are shown, not sent, and what cannot stand
     * alone, such as an accent without a letter, as {@code ?}.
     *
     * @return the column after the text
     */
    public int put(int column, int row, String text, Style style) {
      int at = column;
      for (String cluster : Cells.clusters(printable(text))) {
        int wide = Cells.clusterWidth(cluster);
        if (wide == 2) {
          putWide(at, row, cluster, style);
        } else if (at >= 0 && row >= 0 && at < width && row < height) {
          boolean alone = wide == 1 && cluster.length() <= MOST_MARKS;
          frame.set(x + at, y + row, alone ? cluster : "?", style);
        }
        at += Math.max(1, wide);
      }
      return at;
    }

    /** Half a character is none. */
    private void putWide(int column, int row, String cluster, Style style) {
      boolean fits = column >= 0 && row >= 0 && column + 1 < width && row < height;
      if (fits && cluster.length() <= MOST_MARKS) {
        frame.set(x + column, y + row, cluster, style);
        frame.set(x + column + 1, y + row, "", style);
      } else {
        set(column, row, fits ? '?' : ' ', style);
        set(column + 1, row, ' ', style);
      }
    }

    private String printable(String text) {
      String line = Printable.line(text);
      return frame.ascii ? Printable.ascii(line) : line;
    }

    /** {@code text} in at most {@code most} cells; its end becomes an ellipsis. */
    public String fit(String text, int most) {
      return Cells.fit(printable(text), most, frame.ascii);
    }

    /** Text that ends at the right edge. */
    public void putRight(int row, String text, Style style) {
      put(width - Cells.width(printable(text)), row, text, style);
    }

    public void fill(int row, int character, Style style) {
      for (int column = 0; column < width; column++) {
        set(column, row, character, style);
      }
    }

    public void clear() {
      for (int row = 0; row < height; row++) {
        fill(row, ' ', Style.PLAIN);
      }
    }

    /**
     * Draws a border with a title on it.
     *
     * @return what is inside
     */
    public Region box(String title, boolean focused, boolean ascii) {
      Style line = focused ? Style.TITLE : Style.BORDER;
      int horizontal = ascii ? '-' : '─';
      int vertical = ascii ? '|' : '│';
      for (int column = 1; column < width - 1; column++) {
        set(column, 0, horizontal, line);
        set(column, height - 1, horizontal, line);
      }
      for (int row = 1; row < height - 1; row++) {
        set(0, row, vertical, line);
        set(width - 1, row, vertical, line);
      }
      String corners = ascii ? "++++" : "┌┐└┘";
      set(0, 0, corners.charAt(0), line);
      set(width - 1, 0, corners.charAt(1), line);
      set(0, height - 1, corners.charAt(2), line);
      set(width - 1, height - 1, corners.charAt(3), line);
      if (!title.isEmpty() && width > 6) {
        part(2, 0, width - 4, 1)
            .put(0, 0, (focused ? "*" : " ") + title + " ", focused ? Style.TITLE : Style.BOLD);
      }
      return part(1, 1, width - 2, height - 2);
    }
  }
}
