package dev.anneal.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.plan.Precision;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PeakTest {
  @Test
  void saysAgainstWhich() {
    Peak sheet = Peak.of("NVIDIA H100 80GB HBM3, sm_90", Precision.BF16).orElseThrow();
    assertEquals("41 % of the data sheet's 989 TFLOP/s bf16", sheet.share(0.41 * 989.4e12));
    assertEquals("data sheet", sheet.source().word());
    Peak measured = new Peak(744e9, Precision.FP32, Peak.Source.MEASURED);
    assertEquals("50 % of the measured 744 GFLOP/s fp32", measured.share(372e9));
  }

  /** What was measured in one format says nothing of another. */
  @Test
  void isKeptByDeviceAndFormat() {
    String device = "a device of PeakTest " + System.nanoTime();
    Peak.keep(device, Precision.FP32, 1e12);
    assertEquals(
        Optional.of(new Peak(1e12, Precision.FP32, Peak.Source.MEASURED)),
        Peak.of(device, Precision.FP32));
    assertEquals(Optional.empty(), Peak.of(device, Precision.BF16));
    assertEquals(Optional.empty(), Peak.of(device + "x", Precision.FP32));
  }

  /** A sheet that lacks a format leaves it to the bench. */
  @Test
  void aFormatThatTheSheetLacksIsMeasured() {
    assertEquals(Optional.empty(), Peak.of("AMD Radeon RX 7900 XTX", Precision.FP8));
  }
}
