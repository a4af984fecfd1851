package dev.anneal.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.random.Philox;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both formats of 8 bits, code by code. */
class Float8Test {
  private static List<Float> finite(DType format) {
    List<Float> numbers = new ArrayList<>();
    for (int code = 0; code < 256; code++) {
      float number = Float8.toFloat((byte) code, format);
      if (Float.isFinite(number)) {
        numbers.add(number);
      }
    }
    return numbers;
  }

  @ParameterizedTest
  @EnumSource(names = {"F8E4M3", "F8E5M2", "F8E4M3FNUZ", "F8E5M2FNUZ"})
  void everyNumberKeepsItsCode(DType format) {
    List<Float> numbers = finite(format);
    int codes =
        switch (format) {
          case F8E4M3 -> 254;
          case F8E5M2 -> 248;
          default -> 255;
        };
    assertEquals(codes, numbers.size());
    for (int code = 0; code < 256; code++) {
      float number = Float8.toFloat((byte) code, format);
      if (Float.isFinite(number)) {
        assertEquals((byte) code, Float8.of(number, format));
      }
    }
    assertEquals(format.largest(), numbers.stream().max(Float::compare).orElseThrow());
  }

  @ParameterizedTest
  @EnumSource(names = {"F8E4M3", "F8E5M2", "F8E4M3FNUZ", "F8E5M2FNUZ"})
  void roundsToTheNearest(DType format) {
    List<Float> numbers = finite(format);
    for (int i = 0; i < 3000; i++) {
      long bits = Philox.bits(3, Philox.Purpose.TEST, 1, i, 0);
      float x = (float) (Philox.normal(bits) * Math.exp(i % 24 - 14));
      float rounded = format.round(x);
      double nearest =
          numbers.stream().mapToDouble(n -> Math.abs((double) n - x)).min().orElseThrow();
      assertEquals(nearest, Math.abs((double) rounded - x), x + " to " + rounded);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F8E4M3", "F8E5M2", "F8E4M3FNUZ", "F8E5M2FNUZ"})
  void whatIsBeyondIsTheLargest(DType format) {
    assertEquals(format.largest(), format.round(1e9f));
    assertEquals(-format.largest(), format.round(Float.NEGATIVE_INFINITY));
    assertTrue(Float.isNaN(format.round(Float.NaN)));
  }
}
