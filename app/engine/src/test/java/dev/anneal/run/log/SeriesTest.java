package dev.anneal.run.log;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** The values of a metric. */
class SeriesTest {

  private static Series of(double... values) {
    Series series = Series.EMPTY;
    for (int i = 0; i < values.length; i++) {
      series = series.with(i + 1, i, values[i]);
    }
    return series;
  }

  @Test
  void aLongerSeriesLeavesAShorterOneAsItWas() {
    Series one = of(1, 2, 3);
    Series longer = one.with(4, 3, 4);
    Series forked = one.upTo(2).with(3, 9, 99);
    assertEquals(3, one.size());
    assertEquals(3, one.last());
    assertEquals(4, longer.last());
    assertEquals(3, longer.values()[2]);
    assertEquals(99, forked.last());
    assertSame(one, one.upTo(3));
    assertTrue(one.upTo(0).isEmpty());
  }

  /** The average as its definition says, with sums over all that came before. */
  @Property(tries = 200)
  void smoothsAsDefined(
      @ForAll @NotEmpty @Size(max = 30) double[] raw,
      @ForAll @DoubleRange(min = 0, max = 0.99) double weight) {
    double[] values = Arrays.stream(raw).map(v -> Math.clamp(v, -1e6, 1e6)).toArray();
    Series smooth = of(values).smoothed(weight);
    for (int n = 0; n < values.length; n++) {
      double sum = 0;
      double weights = 0;
      for (int i = 0; i <= n; i++) {
        sum += Math.pow(weight, n - i) * values[i];
        weights += Math.pow(weight, n - i);
      }
      assertEquals(sum / weights, smooth.values()[n], 1e-6 * 1e6);
    }
  }

  @Test
  void smoothingPassesOverWhatIsNotFinite() {
    Series smooth =
        of(Double.NaN, 2, Double.POSITIVE_INFINITY, 2, Double.NEGATIVE_INFINITY).smoothed(0.9);
    assertTrue(Double.isNaN(smooth.values()[0]));
    assertArrayEquals(new double[] {2, 2, 2, 2}, Arrays.copyOfRange(smooth.values(), 1, 5), 1e-12);
  }

  @Test
  void quantilesAreOfTheLastFiniteValues() {
    Series series = of(100, 5, 4, 3, 2, 1, Double.NaN, Double.POSITIVE_INFINITY);
    assertEquals(3, series.quantile(0.5, 7));
    assertEquals(1, series.quantile(0, 7));
    assertEquals(5, series.quantile(1, 7));
    assertEquals(100, series.quantile(1, 1000));
    assertTrue(Double.isNaN(series.quantile(0.5, 2)));
    assertTrue(Double.isNaN(Series.EMPTY.quantile(0.5, 10)));
    assertTrue(Double.isNaN(Series.EMPTY.last()));
  }
}
