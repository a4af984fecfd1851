package dev.anneal.terminal.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.run.log.Series;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Curves as dots. */
class ChartTest {

  private static Curve curve(int n, IntToDoubleFunction value) {
    int[] steps = IntStream.rangeClosed(1, n).toArray();
    double[] seconds = IntStream.rangeClosed(1, n).mapToDouble(i -> i / 10.0).toArray();
    double[] values = IntStream.rangeClosed(1, n).mapToDouble(value).toArray();
    return new Curve(
        "loss", new Series(n, steps, seconds, values), Style.SERIES_1, '*', false, 1024);
  }

  private static List<String> draw(Curve curve, Chart.Options options) {
    Frame frame = new Frame(60, 12, options.glyphs() == Glyphs.ASCII);
    Chart.draw(frame.region(), List.of(curve), options);
    return frame.text().lines().toList();
  }

  private static Chart.Options options(Optional<Chart.Window> window, boolean logY) {
    return new Chart.Options(
        XAxis.STEP, logY, window, true, false, Optional.empty(), false, Glyphs.ASCII);
  }

  /** One value of a hundred thousand is as tall as if there were no others. */
  @ParameterizedTest
  @EnumSource
  void noSpikeIsLost(Glyphs glyphs) {
    for (int spike : List.of(1, 777, 50_000, 99_999)) {
      List<String> lines =
          draw(curve(100_000, i -> i == spike ? 10 : 1), Chart.Options.plain(glyphs));
      assertTrue(lines.getFirst().strip().startsWith("10"), lines.getFirst());
      int column = 8 + (int) Math.round((spike - 1) / 99_999.0 * 51);
      for (int row = 0; row < 10; row++) {
        String line = lines.get(row);
        String around =
            line.substring(
                Math.min(line.length(), Math.max(8, column - 1)),
                Math.min(line.length(), column + 2));
        assertFalse(around.isBlank(), "row " + row + " of\n" + String.join("\n", lines));
      }
    }
  }

  @Test
  void spikesDownAreKeptToo() {
    List<String> lines =
        draw(curve(100_000, i -> i == 30_000 ? -5 : 1), Chart.Options.plain(Glyphs.ASCII));
    assertTrue(lines.get(10).contains("*"), lines.get(10));
    assertTrue(lines.get(9).contains("*"));
  }

  @Test
  void valuesThatAreNotFiniteAreMarkedAndLeaveAGap() {
    List<String> lines =
        draw(
            curve(
                52,
                i -> i == 10 ? Double.NaN : i == 30 ? Double.POSITIVE_INFINITY : i < 20 ? 1 : 2),
            Chart.Options.plain(Glyphs.ASCII));
    String bottom = lines.get(10);
    assertEquals('!', bottom.charAt(8 + 9));
    assertEquals('!', bottom.charAt(8 + 29));
    assertEquals(2, bottom.chars().filter(c -> c == '!').count());
    assertEquals(' ', lines.get(0).charAt(8 + 29), "the gap");
    assertTrue(lines.get(0).startsWith("    2.0+"), "infinity does not count for the axis");
  }

  @Test
  void aSeriesOfNaNsIsAllMarks() {
    List<String> lines = draw(curve(52, i -> Double.NaN), Chart.Options.plain(Glyphs.ASCII));
    assertTrue(lines.get(10).contains("!!!!!!!!!!"), lines.get(10));
  }

  @Test
  void aWindowShowsOnlyItself() {
    List<String> lines =
        draw(curve(1000, i -> i), options(Optional.of(new Chart.Window(200, 300)), false));
    assertTrue(lines.getFirst().startsWith("    300+"), lines.getFirst());
    assertTrue(lines.get(10).startsWith("    200+"), lines.get(10));
    assertTrue(lines.get(11).strip().startsWith("200") && lines.get(11).endsWith("300"));
  }

  @Test
  void aLogarithmicAxisLeavesOutWhatHasNoLogarithm() {
    List<String> lines =
        draw(
            curve(100, i -> i % 10 == 0 ? -1 : Math.pow(10, i / 50.0)),
            options(Optional.empty(), true));
    assertEquals(
        List.of("50", "10", "5"),
        lines.stream().filter(l -> l.contains("+")).map(l -> l.substring(0, 7).strip()).toList());
    List<String> none = draw(curve(10, i -> -i), options(Optional.empty(), true));
    assertEquals(12, none.size());
  }

  @Test
  void aConstantIsFlatHoweverItIsAveraged() {
    Curve constant = curve(5000, i -> 0.1);
    Curve smooth =
        new Curve("ema", constant.series().smoothed(0.99), Style.SERIES_2, '#', false, 1);
    Frame frame = new Frame(60, 12, true);
    Chart.draw(frame.region(), List.of(smooth), Chart.Options.plain(Glyphs.ASCII));
    long rows = frame.text().lines().filter(line -> line.contains("#")).count();
    assertEquals(1, rows, frame.text());
  }

  @ParameterizedTest
  @CsvSource({
    "2.5, 1, 2.500",
    "2.50012, 0.0001, 2.50012",
    "0.004, 0.0008, 0.00400",
    "0.5, 1, 0.5000",
    "0, 1, 0.0000",
    "1234.6, 1, 1235",
    "123456, 1, 1.2e+05",
    "0.00001, 1, 1.0e-05",
    "-2.5, 1, -2.500"
  })
  void numbersTakeAtMostEightColumns(double value, double spread, String text) {
    assertEquals(text, Chart.number(value, spread));
  }

  @Property(tries = 300)
  void anySeriesCanBeDrawnAtAnySize(
      @ForAll @Size(max = 50) double[] values,
      @ForAll @IntRange(min = 1, max = 90) int width,
      @ForAll @IntRange(min = 1, max = 30) int height,
      @ForAll boolean logY,
      @ForAll boolean fit,
      @ForAll boolean guides,
      @ForAll Glyphs glyphs,
      @ForAll XAxis x) {
    Frame frame = new Frame(width, height, glyphs == Glyphs.ASCII);
    Chart.draw(
        frame.region(),
        List.of(curve(values.length, i -> values[i - 1])),
        new Chart.Options(x, logY, Optional.empty(), fit, guides, Optional.of(0.5), true, glyphs));
    assertEquals(height, frame.text().lines().count());
  }
}
