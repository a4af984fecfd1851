package dev.anneal.terminal.screen;

import com.googlecode.lanterna.SGR;
import com.googlecode.lanterna.TerminalSize;
import com.googlecode.lanterna.TextColor;
import com.googlecode.lanterna.terminal.Terminal;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Palette;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Cells;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * Paints frames on a terminal: only cells that changed are sent. Terminals disagree on how wide
 * some characters are (emoji made of several, letters with marks), so after such a one the cursor
 * is put where it has to be, and a line with one is sent whole.
 */
public final class FramePainter {
  private final Terminal terminal;
  private final Map<Style, TextColor> colors = new EnumMap<>(Style.class);
  private Optional<Frame> before = Optional.empty();
  private TerminalSize sizeBefore = TerminalSize.ZERO;
  private Style style = Style.PLAIN;

  public FramePainter(Terminal terminal) {
    this.terminal = terminal;
  }

  /** The next frame is sent whole: the terminal shows something else than the last. */
  public void forget() {
    before = Optional.empty();
  }

  /** Shows a frame; what the terminal has no room for is cut off. */
  public void paint(Frame frame) throws IOException {
    TerminalSize size = terminal.getTerminalSize();
    boolean whole =
        !size.equals(sizeBefore)
            || before
                .map(b -> b.width() != frame.width() || b.height() != frame.height())
                .orElse(true);
    terminal.resetColorAndSGR();
    style = Style.PLAIN;
    if (whole) {
      terminal.clearScreen();
    }
    int columns = Math.min(frame.width(), size.getColumns());
    for (int y = 0; y < Math.min(frame.height(), size.getRows()); y++) {
      paintRow(frame, whole ? Optional.empty() : before, y, columns);
    }
    terminal.resetColorAndSGR();
    terminal.flush();
    before = Optional.of(frame);
    sizeBefore = size;
  }

  private void paintRow(Frame frame, Optional<Frame> last, int y, int columns) throws IOException {
    boolean all =
        last.map(b -> differs(frame, b, y) && (isUncertain(frame, y) || isUncertain(b, y)))
            .orElse(true);
    StringBuilder run = new StringBuilder();
    int cursor = -1;
    for (int x = 0; x < columns; x++) {
      String cell = frame.cell(x, y);
      int now = x;
      if (cell.isEmpty() || !all && last.map(b -> isSame(frame, b, now, y)).orElse(false)) {
        continue;
      }
      boolean half = x + 1 == columns && x + 1 < frame.width() && frame.cell(x + 1, y).isEmpty();
      if (cursor != x || style != frame.style(x, y)) {
        flush(run);
        if (cursor != x) {
          terminal.setCursorPosition(x, y);
        }
        choose(frame.style(x, y));
      }
      run.append(half ? " " : cell);
      int wide = x + 1 < frame.width() && frame.cell(x + 1, y).isEmpty() ? 2 : 1;
      cursor = Cells.isCertain(cell) ? x + wide : -1;
    }
    flush(run);
  }

  private static boolean isSame(Frame frame, Frame last, int x, int y) {
    return frame.cell(x, y).equals(last.cell(x, y)) && frame.style(x, y) == last.style(x, y);
  }

  private static boolean differs(Frame frame, Frame last, int y) {
    for (int x = 0; x < frame.width(); x++) {
      if (!isSame(frame, last, x, y)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isUncertain(Frame frame, int y) {
    for (int x = 0; x < frame.width(); x++) {
      String cell = frame.cell(x, y);
      if (!cell.isEmpty() && !Cells.isCertain(cell)) {
        return true;
      }
    }
    return false;
  }

  private void flush(StringBuilder run) throws IOException {
    if (!run.isEmpty()) {
      terminal.putString(run.toString());
      run.setLength(0);
    }
  }

  private void choose(Style next) throws IOException {
    if (next == style) {
      return;
    }
    terminal.resetColorAndSGR();
    Palette.Ink ink = Palette.ink(next);
    if (ink.color() >= 0) {
      terminal.setForegroundColor(colors.computeIfAbsent(next, s -> color(ink.color())));
    }
    if (ink.bold()) {
      terminal.enableSGR(SGR.BOLD);
    }
    if (ink.reverse()) {
      terminal.enableSGR(SGR.REVERSE);
    }
    style = next;
  }

  private static TextColor color(int rgb) {
    return new TextColor.RGB(rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);
  }
}
