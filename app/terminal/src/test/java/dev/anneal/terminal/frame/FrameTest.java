package dev.anneal.terminal.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Look.Colors;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.NotEmpty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Cells, and how they are sent. */
class FrameTest {
  private static final Pattern SGR = Pattern.compile("\033\\[[0-9;]*m");

  private static Frame styles() {
    Frame frame = new Frame(20, Style.values().length, false);
    for (Style style : Style.values()) {
      frame.region().put(0, style.ordinal(), style.name() + " é⣿", style);
    }
    return frame;
  }

  @ParameterizedTest
  @EnumSource
  void coloursAddNothingButColours(Colors colors) {
    Frame frame = styles();
    String plain = SGR.matcher(frame.ansi(colors)).replaceAll("");
    assertEquals(frame.text(), plain);
    assertFalse(plain.contains("\033"));
  }

  @Test
  void everyDepthHasItsOwnCodes() {
    Frame frame = styles();
    assertFalse(frame.ansi(Colors.NONE).contains("\033"));
    String sixteen = frame.ansi(Colors.SIXTEEN);
    assertFalse(sixteen.contains(";38;"), sixteen);
    assertTrue(Pattern.compile("\033\\[0(;1)?(;7)?;(3[0-7]|9[0-7])m").matcher(sixteen).find());
    String indexed = frame.ansi(Colors.INDEXED);
    assertTrue(indexed.contains(";38;5;"));
    assertFalse(indexed.contains(";38;2;"));
    String truecolor = frame.ansi(Colors.TRUE);
    assertTrue(truecolor.contains("\033[0;1;38;2;86;180;233m"), truecolor);
    assertFalse(truecolor.contains(";38;5;"));
  }

  @ParameterizedTest
  @EnumSource(
      value = Colors.class,
      names = {"SIXTEEN", "INDEXED", "TRUE"})
  void everyLineEndsWithoutColour(Colors colors) {
    String text = styles().ansi(colors);
    text.lines()
        .filter(line -> line.contains("\033"))
        .forEach(line -> assertTrue(line.endsWith("\033[0m"), line));
  }

  @Test
  void coloursBecomeTheNearestThereIs() {
    assertEquals(196, Palette.indexed(0xff0000));
    assertEquals(16, Palette.indexed(0x000000));
    assertEquals(231, Palette.indexed(0xffffff));
    assertEquals(244, Palette.indexed(0x808080), 1);
    assertEquals(9, Palette.ansi(0xff0000));
    assertEquals(10, Palette.ansi(0x00ff00));
    assertEquals(4, Palette.ansi(0x000080));
    assertEquals(8, Palette.ansi(0x6c6c6c));
  }

  @Test
  void whatControlsATerminalIsShown() {
    Frame frame = new Frame(40, 1, false);
    frame.region().put(0, 0, "a\033[2Jb\u009b31mc\u0007\r\n\u202e漢e\u0301😀", Style.PLAIN);
    assertEquals("a␛[2Jb�31mc␇␍ �漢e\u0301😀\n", frame.text());
    Frame ascii = new Frame(40, 1, true);
    ascii.region().put(0, 0, "a\033[2Jb\u009b31mc\u0007\r\n\u202e漢e\u0301😀", Style.PLAIN);
    assertEquals("a^[[2Jb?31mc^G^M ??e??\n", ascii.text());
  }

  @Property(tries = 500)
  void noTextLeavesItsRegionOrControlsTheTerminal(
      @ForAll String text,
      @ForAll @IntRange(min = -5, max = 12) int column,
      @ForAll @IntRange(min = -2, max = 4) int row,
      @ForAll boolean ascii) {
    Frame frame = new Frame(12, 4, ascii);
    frame.region().part(2, 1, 6, 2).put(column, row, text, Style.GOOD);
    for (int y = 0; y < 4; y++) {
      for (int x = 0; x < 12; x++) {
        boolean inside = x >= 2 && x < 8 && y >= 1 && y < 3;
        String cell = frame.cell(x, y);
        assertTrue(inside || cell.equals(" ") && frame.style(x, y) == Style.PLAIN);
        assertFalse(cell.chars().anyMatch(Character::isISOControl));
        assertTrue(!ascii || cell.chars().allMatch(c -> c <= '~'));
        boolean half = x + 1 < 12 && frame.cell(x + 1, y).isEmpty();
        assertEquals(half ? 2 : cell.isEmpty() ? 0 : 1, cell.isEmpty() ? 0 : Cells.width(cell));
      }
    }
  }

  @Property(tries = 300)
  void fittedTextFits(
      @ForAll @NotEmpty String text,
      @ForAll @IntRange(min = 0, max = 20) int most,
      @ForAll boolean ascii) {
    String fitted = new Frame(1, 1, ascii).region().fit(text, most);
    assertTrue(Cells.width(fitted) <= most);
  }
}
