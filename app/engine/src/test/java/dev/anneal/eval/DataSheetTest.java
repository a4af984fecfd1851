package dev.anneal.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.plan.Precision;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataSheetTest {
  /** Names as drivers give them: one card's name is often the beginning of another's. */
  @ParameterizedTest
  @CsvSource({
    "NVIDIA H100 80GB HBM3, H100",
    "NVIDIA H200, H200",
    "NVIDIA B200, B200",
    "NVIDIA A100-SXM4-80GB, A100_80",
    "NVIDIA A100-SXM4-40GB, A100",
    "NVIDIA A100 80GB PCIe, A100_PCIE_80",
    "NVIDIA A100-PCIE-40GB, A100_PCIE",
    "NVIDIA L40S, L40S",
    "NVIDIA GeForce RTX 4090, RTX_4090",
    "AMD Instinct MI300X, MI300X",
    "AMD Radeon RX 7900 XTX, RX_7900_XTX"
  })
  void isFoundByTheDriversName(String device, DataSheet sheet) {
    assertEquals(Optional.of(sheet), DataSheet.of(device));
    assertEquals(Optional.of(sheet), DataSheet.of(device + ", sm_90, driver for CUDA 13.0"));
  }

  @ParameterizedTest
  @CsvSource({
    "NVIDIA L40",
    "NVIDIA H100 PCIe",
    "NVIDIA H100 NVL",
    "NVIDIA H200 NVL",
    "NVIDIA L4",
    "NVIDIA A10",
    "NVIDIA GeForce RTX 3090",
    "NVIDIA A10G",
    "NVIDIA H20",
    "NVIDIA GeForce RTX 4090 Laptop GPU",
    "NVIDIA GeForce RTX 4090 D",
    "NVIDIA GeForce RTX 3090 Ti",
    "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
    "NVIDIA GH200 480GB",
    "AMD EPYC",
    "test double on the CPU",
    "''"
  })
  void othersHaveNone(String device) {
    assertEquals(Optional.empty(), DataSheet.of(device));
  }

  /** Fewer bits are never slower, and what is not made is not promised. */
  @Test
  void ratesGrowAsBitsShrink() {
    for (DataSheet sheet : DataSheet.values()) {
      double full = sheet.flops(Precision.FP32).orElseThrow();
      double half = sheet.flops(Precision.BF16).orElseThrow();
      assertTrue(full >= 1e13 && half >= 1.9 * full && half < 1e16, sheet.name());
      sheet.flops(Precision.TF32).ifPresent(tf32 -> assertTrue(tf32 >= full && tf32 < half));
      sheet.flops(Precision.FP8).ifPresent(fp8 -> assertEquals(2 * half, fp8, 0.03 * fp8));
      // Bytes per operation of memory-bound cards and others lie within these.
      double intensity = half / (sheet.gigabytes() * 1e9);
      assertTrue(intensity > 50 && intensity < 450, sheet + " " + intensity);
    }
  }
}
