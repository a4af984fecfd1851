package dev.anneal.terminal.command;

import dev.anneal.cache.CacheDirectory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Optional;
import java.util.Properties;

/** The best rate that each device reached in a bench, kept between runs: what MFU is a share of. */
final class DeviceLimits {
  private static final String FILE = "device-limits.properties";

  private DeviceLimits() {}

  /** Floating-point operations per second of the device named so. */
  static Optional<Double> flops(String device) {
    return Optional.ofNullable(read().getProperty(device)).map(Double::valueOf);
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

  /** Keeps what a bench measured. When that fails, the dashboard says "run bench". */
  static void keep(String device, double flops) {
    Properties limits = read();
    limits.setProperty(device, String.valueOf(flops));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      limits.store(out, "FLOP/s by device, from anneal bench");
    } catch (IOException e) {
      throw new IllegalStateException(e); // Memory takes all.
    }
    CacheDirectory.ofUser().write(FILE, out.toByteArray());
  }
}
