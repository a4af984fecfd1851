package dev.anneal.terminal.screen;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.googlecode.lanterna.TerminalSize;
import com.googlecode.lanterna.screen.TerminalScreen;
import com.googlecode.lanterna.terminal.virtual.DefaultVirtualTerminal;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Style;
import java.io.IOException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** A frame, as a terminal gets it. */
class FramePainterTest {

  private static String painted(Frame frame, int columns, int rows) throws IOException {
    DefaultVirtualTerminal terminal = new DefaultVirtualTerminal(new TerminalSize(columns, rows));
    TerminalScreen screen = new TerminalScreen(terminal);
    screen.startScreen();
    new FramePainter(screen).paint(frame);
    StringBuilder text = new StringBuilder();
    for (int y = 0; y < rows; y++) {
      StringBuilder line = new StringBuilder();
      for (int x = 0; x < columns; x++) {
        line.append(terminal.getCharacter(x, y).getCharacterString());
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** A character that the terminal library takes for two columns, or refuses, would break a row. */
  @Test
  void everyCharacterTakesOneColumn() throws IOException {
    int columns = 256;
    for (int block = 0; block <= 2 * Character.MAX_VALUE; block += columns * 64) {
      Frame frame = new Frame(columns, 64, false);
      for (int row = 0; row < 64; row++) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < columns; i++) {
          int c = block + row * columns + i;
          text.appendCodePoint(isSurrogate(c) ? ' ' : c);
        }
        frame.region().put(0, row, text.toString(), Style.PLAIN);
      }
      assertEquals(frame.text(), painted(frame, columns, 64));
    }
  }

  private static boolean isSurrogate(int c) {
    return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
  }

  @Property(tries = 200)
  void anyTextIsPaintedAsItIs(@ForAll String text) throws IOException {
    Frame frame = new Frame(30, 2, false);
    frame.region().put(0, 1, text, Style.WARN);
    assertEquals(frame.text(), painted(frame, 30, 2));
  }

  @Test
  void whatHasNoRoomIsCutOff() throws IOException {
    Frame frame = new Frame(10, 2, false);
    frame.region().put(0, 0, "0123456789", Style.PLAIN);
    assertEquals("01234\n", painted(frame, 5, 1));
    assertEquals("0123456789\n\n\n", painted(frame, 12, 3));
  }
}
