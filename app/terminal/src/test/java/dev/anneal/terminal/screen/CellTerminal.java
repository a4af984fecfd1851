package dev.anneal.terminal.screen;

import com.googlecode.lanterna.SGR;
import com.googlecode.lanterna.TerminalPosition;
import com.googlecode.lanterna.TerminalSize;
import com.googlecode.lanterna.TextColor;
import com.googlecode.lanterna.graphics.TextGraphics;
import com.googlecode.lanterna.input.KeyStroke;
import com.googlecode.lanterna.terminal.Terminal;
import com.googlecode.lanterna.terminal.TerminalResizeListener;
import dev.anneal.terminal.text.Cells;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;

/**
 * A terminal in memory, which may have its own opinion on how wide characters are: two in three
 * have one on emoji that are made of several.
 */
public final class CellTerminal implements Terminal {
  private final ToIntFunction<String> widths;
  private String[][] cells = new String[0][0];
  private int x;
  private int y;

  public CellTerminal(int columns, int rows, ToIntFunction<String> widths) {
    this.widths = widths;
    resize(columns, rows);
  }

  public void resize(int columns, int rows) {
    cells = new String[rows][columns];
    clearScreen();
  }

  /** The lines, without trailing blanks. */
  public String text() {
    StringBuilder text = new StringBuilder();
    for (String[] row : cells) {
      text.append(String.join("", row).stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** What is in a cell; empty in the right half of a wide character. */
  public String cell(int column, int row) {
    return cells[row][column];
  }

  @Override
  public void putString(String text) {
    for (String cluster : Cells.clusters(text)) {
      int wide = Math.max(1, widths.applyAsInt(cluster));
      if (x + wide > cells[y].length) {
        // Wrapping is off: what has no room stays at the edge.
        x = cells[y].length - 1;
        put(wide == 1 ? cluster : " ");
        continue;
      }
      put(cluster);
      for (int i = 1; i < wide; i++) {
        x++;
        put("");
      }
      x++;
    }
  }

  private void put(String cell) {
    if (cells[y][x].isEmpty() && !cell.isEmpty() && x > 0) {
      cells[y][x - 1] = " ";
    }
    for (int i = x + 1; i < cells[y].length && cells[y][i].isEmpty(); i++) {
      cells[y][i] = " ";
    }
    cells[y][x] = cell;
  }

  @Override
  public void clearScreen() {
    Arrays.stream(cells).forEach(row -> Arrays.fill(row, " "));
  }

  @Override
  public void setCursorPosition(int column, int row) {
    x = column;
    y = row;
  }

  @Override
  public void setCursorPosition(TerminalPosition position) {
    setCursorPosition(position.getColumn(), position.getRow());
  }

  @Override
  public TerminalPosition getCursorPosition() {
    return new TerminalPosition(x, y);
  }

  @Override
  public TerminalSize getTerminalSize() {
    return new TerminalSize(cells.length == 0 ? 0 : cells[0].length, cells.length);
  }

  @Override
  public void putCharacter(char c) {
    putString(String.valueOf(c));
  }

  @Override
  public void enterPrivateMode() {}

  @Override
  public void exitPrivateMode() {}

  @Override
  public void setCursorVisible(boolean visible) {}

  @Override
  public TextGraphics newTextGraphics() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void enableSGR(SGR sgr) {}

  @Override
  public void disableSGR(SGR sgr) {}

  @Override
  public void resetColorAndSGR() {}

  @Override
  public void setForegroundColor(TextColor color) {}

  @Override
  public void setBackgroundColor(TextColor color) {}

  @Override
  public void addResizeListener(TerminalResizeListener listener) {}

  @Override
  public void removeResizeListener(TerminalResizeListener listener) {}

  @Override
  public byte[] enquireTerminal(int timeout, TimeUnit unit) {
    return new byte[0];
  }

  @Override
  public void bell() {}

  @Override
  public void flush() {}

  @Override
  public void close() {}

  @Override
  public KeyStroke pollInput() {
    throw new UnsupportedOperationException();
  }

  @Override
  public KeyStroke readInput() {
    throw new UnsupportedOperationException();
  }
}
