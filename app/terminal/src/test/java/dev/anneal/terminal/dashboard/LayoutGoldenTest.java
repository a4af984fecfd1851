package dev.anneal.terminal.dashboard;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every layout, with every kind of history. */
class LayoutGoldenTest {

  /** A history at a size. */
  record Example(Histories history, int columns, int rows) {
    @Override
    public String toString() {
      String name = history.name().toLowerCase(Locale.ROOT).replace('_', '-');
      return name + "-" + columns + "x" + rows;
    }
  }

  static List<Example> examples() {
    List<Example> examples = new ArrayList<>();
    for (Histories history : Histories.values()) {
      examples.add(new Example(history, 80, 24));
      examples.add(new Example(history, 120, 40));
      examples.add(new Example(history, 40, 10));
      examples.add(new Example(history, 39, 9));
      if (history != Histories.DONE && history != Histories.FAILED) {
        examples.add(new Example(history, 200, 60));
      }
    }
    return examples;
  }

  @ParameterizedTest
  @MethodSource("examples")
  void looksAsItDid(Example example) {
    VirtualScreen screen = new VirtualScreen(example.columns(), example.rows());
    screen.draw(
        Dashboard.once(
            Scenes.of(example.history()), example.columns(), example.rows(), Glyphs.BRAILLE));
    String text = screen.text();
    assertTrue(text.lines().allMatch(line -> Cells.width(line) <= example.columns()));
    Golden.check("layout/" + example, text);
  }
}
