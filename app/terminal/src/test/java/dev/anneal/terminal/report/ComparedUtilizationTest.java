package dev.anneal.terminal.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.eval.Comparison;
import dev.anneal.eval.Comparison.DeviceResult;
import dev.anneal.eval.ComparisonJson;
import dev.anneal.eval.Origin;
import dev.anneal.eval.Peak;
import dev.anneal.eval.Spread;
import dev.anneal.eval.Utilization;
import dev.anneal.plan.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** MFU of devices beside each other, each against its own peak. */
class ComparedUtilizationTest {
  @TempDir private Path temp;

  private static DeviceResult device(String name, String dtype, Optional<Utilization> mfu) {
    return new DeviceResult(
        name,
        name,
        "details",
        Map.of(),
        1 << 20,
        2.5,
        1000,
        Map.of("GeluForward", 1.0),
        List.of(3.0),
        Map.of(),
        Optional.empty(),
        new Spread(Optional.empty(), Map.of()),
        mfu,
        new Origin("here", "2026-01-01", "1", dtype));
  }

  private static Comparison compared(Optional<Utilization> mfu) {
    return new Comparison(
        "GPT-2",
        4,
        64,
        new Comparison.Steps(0, 3),
        List.of(device("cpu", "fp32", Optional.empty()), device("cuda", "bf16", mfu)));
  }

  private static final Comparison MEASURED =
      compared(
          Peak.of("NVIDIA H100 80GB HBM3", Precision.BF16)
              .map(peak -> new Utilization(0.41 * 989.4e12, peak)));

  @Test
  void isSaidOfTheDevicesWhosePeakIsKnown() {
    List<String> lines = new ComparisonText(MEASURED, 80).toString().lines().toList();
    assertTrue(lines.contains("  MFU 41 % of the data sheet's 989 TFLOP/s bf16"), lines::toString);
    assertTrue(lines.stream().anyMatch(l -> l.matches("MFU +- +41 %")), lines::toString);
    assertTrue(
        ComparisonTable.rows(MEASURED).stream().anyMatch(row -> row.contains("41 %")),
        lines::toString);
    String none = new ComparisonText(compared(Optional.empty()), 80).toString();
    assertFalse(none.contains("MFU"), none);
  }

  @Test
  void isKeptInAFile() throws Exception {
    Path file = temp.resolve("mine.json");
    Files.writeString(file, ComparisonJson.write(MEASURED).toString());
    DeviceResult read = ComparisonJson.read(file).devices().getLast();
    assertEquals(0.41, read.utilization().orElseThrow().share(), 1e-9);
    assertEquals("MFU 41 % of the data sheet's 989 TFLOP/s bf16", read.utilization().get().text());
    assertEquals(Optional.empty(), ComparisonJson.read(file).devices().getFirst().utilization());
  }
}
