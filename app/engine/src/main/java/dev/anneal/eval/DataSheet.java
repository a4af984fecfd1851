package dev.anneal.eval;

import dev.anneal.plan.Precision;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a vendor's data sheet promises of a GPU: dense products (no sparsity) with sums in fp32, at
 * the boost clock. These are the numbers that several publications give after the vendors'; cards
 * of which we found no second one are left out, and are measured by {@code bench}.
 */
public enum DataSheet {
  B200("nvidia b200", 75, 1125, 2250, 4500, 8000),
  H200("nvidia h200", 67, 494.7, 989.4, 1978.9, 4800),
  H100("nvidia h100", 67, 494.7, 989.4, 1978.9, 3350),
  A100_80("nvidia a100 sxm4 80gb", 19.5, 156, 312, 0, 2039),
  A100_PCIE_80("nvidia a100 80gb pcie", 19.5, 156, 312, 0, 1935),
  A100_PCIE("nvidia a100 pcie", 19.5, 156, 312, 0, 1555),
  A100("nvidia a100", 19.5, 156, 312, 0, 1555),
  L40S("nvidia l40s", 91.6, 183, 362.05, 733, 864),
  RTX_4090("geforce rtx 4090", 82.6, 82.6, 165.2, 330.3, 1008),
  MI300X("amd instinct mi300x", 163.4, 653.7, 1307.4, 2614.9, 5300),
  RX_7900_XTX("radeon rx 7900 xtx", 61.4, 0, 122.8, 0, 960);

  private final List<String> words;
  private final double fp32;
  private final double tf32;
  private final double sixteenBits;
  private final double eightBits;
  private final double gigabytes;

  /**
   * @param words of the device's name, in order; others may stand between
   * @param fp32 TFLOP/s, and so the next three
   * @param tf32 0 where there is no such format, and so the others
   * @param gigabytes per second to memory
   */
  DataSheet(
      String words,
      double fp32,
      double tf32,
      double sixteenBits,
      double eightBits,
      double gigabytes) {
    this.words = List.of(words.split(" "));
    this.fp32 = fp32;
    this.tf32 = tf32;
    this.sixteenBits = sixteenBits;
    this.eightBits = eightBits;
    this.gigabytes = gigabytes;
  }

  /** What a name may say beside: another word makes it another card, or a part of one. */
  private static final String BESIDE = "nvidia|amd|geforce|radeon|\\d+gb|hbm\\d\\w*|sxm\\d|oam";

  /**
   * The one of a device, as its driver names it.
   *
   * @param device its name, and perhaps more about it after a comma
   */
  public static Optional<DataSheet> of(String device) {
    String name = device.split(",", 2)[0].toLowerCase(Locale.ROOT);
    List<String> words = List.of(name.split("[^a-z0-9]+"));
    return Arrays.stream(values()).filter(sheet -> sheet.names(words)).findFirst();
  }

  private boolean names(List<String> name) {
    return name.containsAll(words)
        && name.stream().allMatch(word -> words.contains(word) || word.matches(BESIDE));
  }

  /** The most floating-point operations per second of products; empty in formats that it lacks. */
  public Optional<Double> flops(Precision precision) {
    double tera =
        switch (precision) {
          case FP32 -> fp32;
          case TF32 -> tf32;
          case BF16, FP16, PURE_BF16 -> sixteenBits;
          case FP8, FP8_HYBRID -> eightBits;
        };
    return tera == 0 ? Optional.empty() : Optional.of(tera * 1e12);
  }

  /** Gigabytes per second to memory and from it. */
  public double gigabytes() {
    return gigabytes;
  }
}
