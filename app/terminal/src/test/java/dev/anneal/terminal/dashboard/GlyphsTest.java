package dev.anneal.terminal.dashboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.List;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What terminals that can do less are shown. */
class GlyphsTest {
  private static final int BRAILLE = 0x2800;

  private static void everyCharacter(Histories history, Glyphs glyphs, IntPredicate allowed) {
    for (ScreenPort.Size size :
        List.of(
            new ScreenPort.Size(80, 24),
            new ScreenPort.Size(200, 60),
            new ScreenPort.Size(40, 10),
            new ScreenPort.Size(39, 9))) {
      Frame frame = Dashboard.once(Scenes.of(history), size.columns(), size.rows(), glyphs);
      frame
          .text()
          .codePoints()
          .filter(c -> c != '\n')
          .forEach(
              c -> assertTrue(allowed.test(c), () -> "U+%04X in %s".formatted(c, frame.text())));
    }
  }

  @ParameterizedTest
  @EnumSource
  void asciiIsAscii(Histories history) {
    everyCharacter(history, Glyphs.ASCII, c -> c >= ' ' && c <= '~');
  }

  @ParameterizedTest
  @EnumSource
  void blocksAreNoBraille(Histories history) {
    everyCharacter(history, Glyphs.BLOCK, c -> c < BRAILLE || c > BRAILLE + 255);
  }

  @Test
  void asciiIsAsciiWhateverIsOpen() {
    for (String keys :
        List.of(
            "?", "o", "c", "g", "iété 漢字", ":é", ":status<Enter>", "z", "wé.svg", "/é<Enter>")) {
      VirtualScreen screen = new VirtualScreen(100, 30);
      DashboardLoop loop = new DashboardLoop(new SceneControls(Histories.LONG), Glyphs.ASCII);
      String text = screen.run(loop, keys);
      assertTrue(text.chars().allMatch(c -> c == '\n' || c >= ' ' && c <= '~'), text);
    }
  }

  /** A state is a word, whatever its colour. */
  @ParameterizedTest
  @CsvSource({
    "EMPTY, EMPTY",
    "ONE_POINT, RUN",
    "CONSTANT, PAUSED",
    "NOT_FINITE, NaN!",
    "LONG, RUN REC",
    "DONE, DONE",
    "FAILED, FAILED"
  })
  void statesAreWords(Histories history, String word) {
    assertEquals(word.split(" ")[0], Header.state(Scenes.of(history)));
    for (int width : List.of(40, 80, 120, 200)) {
      String header =
          Dashboard.once(Scenes.of(history), width, 40, Glyphs.ASCII)
              .text()
              .lines()
              .findFirst()
              .get();
      assertTrue(header.contains(" " + word + " "), header);
    }
    assertTrue(
        Dashboard.once(Scenes.of(history), 39, 9, Glyphs.ASCII)
            .text()
            .contains(word.split(" ")[0]));
  }

  /** Curves that only colour tells apart in dots have characters of their own in ASCII. */
  @Test
  void curvesDifferInAscii() {
    VirtualScreen screen = new VirtualScreen(120, 40);
    DashboardLoop loop = new DashboardLoop(new SceneControls(Histories.LONG), Glyphs.ASCII);
    String text = screen.run(loop, "o<Down><Enter><Down><Enter><Escape>");
    assertTrue(text.contains("x run-5  + a-run-with-a-long-name  . loss  # ema 0.95  o val"), text);
  }
}
