package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.FittedLine;
import dev.anneal.terminal.text.TerminalSize;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
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
}
