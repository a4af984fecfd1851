package dev.anneal.terminal.command;

import dev.anneal.cache.CacheDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;

/** The best rate that each device reached in a bench, kept between runs: what MFU is a share of. */
final class DeviceLimits {
  private DeviceLimits() {}

  private static Path file() {
    return CacheDirectory.ofUser().directory().resolve("device-limits.properties");
  }

  /** Floating-point operations per second of the device named so. */
  static Optional<Double> flops(String device) {
    return Optional.ofNullable(read().getProperty(device)).map(Double::valueOf);
  }

  private static Properties read() {
    Properties limits = new Properties();
    Path file = file();
    if (Files.isReadable(file)) {
      try (InputStream in = Files.newInputStream(file)) {
        limits.load(in);
      } catch (IOException | IllegalArgumentException e) {
        return new Properties();
      }
    }
    return limits;
  }

  /** Keeps what a bench measured; a home that cannot be written to costs only the MFU. */
  static void keep(String device, double flops) {
    Properties limits = read();
    limits.setProperty(device, String.valueOf(flops));
    try {
      Files.createDirectories(file().getParent());
      try (OutputStream out = Files.newOutputStream(file())) {
        limits.store(out, "FLOP/s by device, from anneal bench");
      }
    } catch (IOException e) {
      // Without it the dashboard says "run bench".
    }
  }
}
