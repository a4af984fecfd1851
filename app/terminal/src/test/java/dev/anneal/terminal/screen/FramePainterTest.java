package dev.anneal.terminal.screen;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Cells;
import java.io.IOException;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A frame, as a terminal gets it. */
class FramePainterTest {

  private static String painted(Frame frame, int columns, int rows) throws IOException {
    CellTerminal terminal = new CellTerminal(columns, rows, Cells::clusterWidth);
    new FramePainter(terminal).paint(frame);
    return terminal.text();
  }

  @Test
  void everyCharacterIsPaintedWhereTheFrameHasIt() throws IOException {
    int each = 128;
    for (int block = 0; block <= 2 * Character.MAX_VALUE; block += each * 64) {
      Frame frame = new Frame(each * 2, 64, false);
      for (int row = 0; row < 64; row++) {
        for (int i = 0; i < each; i++) {
          int c = block + row * each + i;
          String text = Character.toString(isSurrogate(c) ? ' ' : c);
          frame.region().put(2 * i, row, text, Style.PLAIN);
        }
      }
      assertEquals(frame.text(), painted(frame, each * 2, 64));
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

  /**
   * Terminals that draw an emoji of several as these several, or a letter with its mark in two
   * cells, still show all that stands beside it, in its place.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void whatATerminalThinksOfACharacterMovesNoOther(int theirs) throws IOException {
    CellTerminal terminal =
        new CellTerminal(20, 1, c -> Cells.isCertain(c) ? Cells.clusterWidth(c) : theirs);
    FramePainter painter = new FramePainter(terminal);
    for (String text :
        List.of("|👩‍👩‍👧|e\u0301|🇩🇪|漢|", "|👩‍👩‍👧|e\u0301|🇩🇪|xy|", "|ab|c|de|xy|")) {
      Frame frame = new Frame(20, 1, false);
      frame.region().put(0, 0, text, Style.PLAIN);
      painter.paint(frame);
      for (int x : List.of(0, 3, 5, 8, 11)) {
        assertEquals("|", terminal.cell(x, 0), text + " is " + terminal.text());
      }
    }
  }
}
