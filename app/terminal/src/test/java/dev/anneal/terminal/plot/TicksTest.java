package dev.anneal.terminal.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.plot.Ticks.Tick;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Round values on an axis. */
class TicksTest {

  private static String labels(List<Tick> ticks) {
    return String.join(" ", ticks.stream().map(Tick::label).toList());
  }

  @ParameterizedTest
  @CsvSource({
    "1.44, 10.7, 6, 2 4 6 8 10",
    "1.44, 10.7, 3, 5 10",
    "2.25, 2.75, 4, 2.4 2.6",
    "0, 0.004, 6, 0 0.001 0.002 0.003 0.004",
    "0, 3e-5, 4, 0 1e-5 2e-5 3e-5",
    "-5, 1, 3, -4 -2 0",
    "0, 1200000, 7, 0 0.2M 0.4M 0.6M 0.8M 1.0M 1.2M",
    "5.5401, 5.5452, 3, 5.542 5.544"
  })
  void stepsAreRound(double low, double high, int most, String expected) {
    assertEquals(expected, labels(Ticks.linear(low, high, most)));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 100000, 5, 20k 40k 60k 80k 100k",
    "1, 3, 5, 1 2 3",
    "0, 1, 5, 0 1",
    "9990, 10010, 3, 9990 10000 10010"
  })
  void stepsOfARunAreWhole(double low, double high, int most, String expected) {
    assertEquals(expected, labels(Ticks.whole(low, high, most)));
  }

  @ParameterizedTest
  @CsvSource({"0, 90, 4, 0s 30s 1m00s 1m30s", "0, 7200, 4, 0s 1h00m 2h00m"})
  void secondsStepAsClocksDo(double low, double high, int most, String expected) {
    assertEquals(expected, labels(Ticks.time(low, high, most)));
  }

  @ParameterizedTest
  @CsvSource({
    "1.5, 11, 4, 2 5 10",
    "0.001, 1000, 7, 0.001 0.01 0.1 1 10 100 1000",
    "1e-12, 1, 4, 1e-12 1e-8 0.0001 1",
    "2.1, 2.9, 5, 2.2 2.4 2.6 2.8"
  })
  void aLogarithmicAxisHasPowersAndTwosAndFives(
      double low, double high, int most, String expected) {
    assertEquals(expected, labels(Ticks.logarithmic(low, high, most)));
  }

  @Property(tries = 1000)
  void thereIsAnEndToThem(@ForAll double low, @ForAll double high, @ForAll int most) {
    if (low < high) {
      assertTrue(Ticks.linear(low, high, most).size() < 10_001);
      assertTrue(Ticks.time(low, high, most).size() < 10_001);
      if (low > 0) {
        assertTrue(Ticks.logarithmic(low, high, most).size() < 10_001);
      }
    }
  }

  @Property(tries = 1000)
  void labelsDifferAndAreFew(
      @ForAll @DoubleRange(min = -1e7, max = 1e7) double low,
      @ForAll @DoubleRange(min = 0.01, max = 1e7) double width,
      @ForAll @IntRange(min = 2, max = 30) int most) {
    double size = Math.max(Math.abs(low), Math.abs(low + width));
    if (width < size * 1e-6) {
      return;
    }
    List<Tick> ticks = Ticks.linear(low, low + width, most);
    assertEquals(ticks.size(), ticks.stream().map(Tick::label).distinct().count());
    // Where one step makes a single tick, as 50 does of -49 to 49, the next smaller makes up to 5.
    assertTrue(ticks.size() >= 1 && ticks.size() <= Math.max(5, most), ticks.toString());
    for (Tick tick : ticks) {
      assertTrue(tick.value() >= low - width * 1e-6 && tick.value() <= low + width * (1 + 1e-6));
    }
  }
}
