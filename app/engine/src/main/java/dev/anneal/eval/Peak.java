package dev.anneal.eval;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.plan.Precision;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;

/**
 * The most arithmetic that a device does: what model FLOPs utilization (MFU) is a share of. The
 * data sheet's where there is one, else what a bench reached with its best product, which is kept
 * between processes.
 *
 * @param precision of what is multiplied
 * @param flops floating-point operations per second
 */
public record Peak(double flops, Precision precision, Source source) {
  private static final String FILE = "device-limits.properties";

  /** Who says so. */
  public enum Source {
    DATA_SHEET("the data sheet's"),
    MEASURED("the measured");

    private final String text;

    Source(String text) {
      this.text = text;
    }

    /** The one that {@link #word} gives; empty for another word. */
    static Optional<Source> of(String word) {
      return Arrays.stream(values()).filter(source -> source.word().equals(word)).findFirst();
    }

    /** For programs: {@code data sheet} or {@code measured}. */
    public String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /**
   * Of a device at a precision; empty when no sheet has it and no bench measured it.
   *
   * @param device its name, and perhaps more about it
   */
  public static Optional<Peak> of(String device, Precision precision) {
    return DataSheet.of(device)
        .flatMap(sheet -> sheet.flops(precision))
        .map(flops -> new Peak(flops, precision, Source.DATA_SHEET))
        .or(() -> measured(device, precision));
  }

  private static Optional<Peak> measured(String device, Precision precision) {
    try {
      return Optional.ofNullable(read().getProperty(key(device, precision)))
          .map(flops -> new Peak(Double.parseDouble(flops), precision, Source.MEASURED));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static String key(String device, Precision precision) {
    return device + ", " + precision.name().toLowerCase(Locale.ROOT);
  }

  private static Properties read() {
    Properties limits = new Properties();
    try {
      limits.load(new ByteArrayInputStream(CacheDirectory.ofUser().read(FILE).orElse(new byte[0])));
    } catch (IOException | IllegalArgumentException e) {
      return new Properties();
    }
    return limits;
  }

  /** Keeps what a bench measured. When that fails, MFU asks for a bench. */
  public static void keep(String device, Precision precision, double flops) {
    Properties limits = read();
    limits.setProperty(key(device, precision), String.valueOf(flops));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      limits.store(out, "FLOP/s by device and dtype, from anneal bench");
    } catch (IOException e) {
      throw new IllegalStateException(e); // Memory takes all.
    }
    CacheDirectory.ofUser().write(FILE, out.toByteArray());
  }

  /** What was reached as a share: {@code 41 % of the data sheet's 989 TFLOP/s bf16}, say. */
  public String share(double reached) {
    boolean tera = flops >= 1e13;
    return String.format(
        Locale.ROOT,
        "%.0f %% of %s %.0f %s %s",
        100 * reached / flops,
        source.text,
        flops / (tera ? 1e12 : 1e9),
        tera ? "TFLOP/s" : "GFLOP/s",
        precision.name().toLowerCase(Locale.ROOT));
  }
}
