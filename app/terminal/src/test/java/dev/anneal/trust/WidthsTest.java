package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.FittedLine;
import dev.anneal.terminal.text.TerminalSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is shown fits where it is shown, and keeps what matters most. */
class WidthsTest {
  private static final List<String> PROGRESS =
      List.of("step 5448/100000", "loss 0.7699", "val 0.7712", "2m27s left", "1.6 ms");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "130|step 5448/100000  loss 0.7699  val 0.7712  2m27s left  1.6 ms",
        "60|step 5448/100000  loss 0.7699  val 0.7712  2m27s left",
        "49|step 5448/100000  loss 0.7699  val 0.7712",
        "30|step 5448/100000  loss 0.7699",
        "19|5448/100000 0.7699",
        "12|5448/100000",
        "4|5448"
      })
  void aProgressLineKeepsWhatMattersMost(int columns, String line) {
    assertEquals(line, FittedLine.of(PROGRESS, columns));
  }

  @Property(tries = 300)
  void aProgressLineIsNeverLongerThanTheTerminal(
      @ForAll List<String> facts, @ForAll @IntRange(max = 200) int columns) {
    assertTrue(Cells.width(FittedLine.of(facts, columns)) <= columns);
  }

  @Test
  void withoutATerminalTheEnvironmentSaysHowMuchRoomThereIs() {
    assertEquals(Optional.of(new TerminalSize(50, 9)), size("50", "9"));
    assertEquals(Optional.of(new TerminalSize(50, 24)), size("50", ""));
    assertEquals(Optional.of(new TerminalSize(80, 9)), size("wide", "9"));
    for (String none : List.of("", "0", "-3", "123456", "1e2", "８０")) {
      assertEquals(Optional.empty(), size(none, none), none);
    }
  }

  private static Optional<TerminalSize> size(String columns, String lines) {
    return TerminalSize.said(Map.of("COLUMNS", columns, "LINES", lines));
  }

  @ParameterizedTest
  @CsvSource({
    "漢字, 4",
    "e\u0301, 1",
    "👩‍👩‍👧, 2",
    "🇩🇪, 2",
    "👍🏽, 2",
    "❤️, 2",
    "कि, 2",
    "한글, 4",
    "ｱ, 1",
    "naïve, 5"
  })
  void charactersTakeTheCellsThatTheyTake(String text, int cells) {
    assertEquals(cells, Cells.width(text));
  }

  @Property(tries = 300)
  void textIsCutBetweenCharacters(
      @ForAll List<@From("visible") String> parts, @ForAll @IntRange(max = 40) int most) {
    String text = String.join("", parts);
    String cut = Cells.cut(text, most);
    assertTrue(text.startsWith(cut) && Cells.width(cut) <= most);
    assertTrue(Cells.width(Cells.fit(text, most, false)) <= most);
    assertTrue(Cells.width(Cells.tail(text, most)) <= most);
    for (String line : Cells.wrapWords(text, most)) {
      assertTrue(Cells.width(line) <= Math.max(2, most), line);
    }
  }

  @Provide
  static Arbitrary<String> visible() {
    return Arbitraries.of("a", " ", "漢", "👩‍👩‍👧", "e\u0301", "🇩🇪", "long words", "कि");
  }

  /** In any terminal, what tells of a run has no line that the terminal would break. */
  @Test
  void resultsFitInTheTerminal(@TempDir Path temp) {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("漢字-run", "--steps 3") + " --fg");
      for (int columns : List.of(20, 30, 50, 80, 200)) {
        shell.shell().sizeFrom(() -> Optional.of(new TerminalSize(columns, 14)));
        for (String command : List.of("status", "backends", "plot", "dashboard --once")) {
          for (String line : shell.ok(command).lines().toList()) {
            assertTrue(Cells.width(line) <= columns, command + " in " + columns + ": " + line);
          }
        }
        assertEquals(14, shell.ok("dashboard --once").lines().count());
        assertEquals(10, shell.ok("plot").lines().count());
      }
    }
  }
}
