package dev.anneal.cpu;

import dev.anneal.device.DeviceInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** What this machine's CPU is: its name, cores, vector width and memory. */
final class HostCpu {
  private HostCpu() {}

  static DeviceInfo describe() {
    int cores = Runtime.getRuntime().availableProcessors();
    String details = cores + " cores, " + Lanes.F.vectorBitSize() + "-bit vectors";
    return new DeviceInfo("cpu", 0, name(), details, availableMemory(), true);
  }

  private static String name() {
    return field("/proc/cpuinfo", "model name").orElseGet(() -> System.getProperty("os.arch"));
  }

  /** Bytes that can be allocated without swapping; half the address space where it is unknown. */
  static long availableMemory() {
    return field("/proc/meminfo", "MemAvailable")
        .map(value -> Long.parseLong(value.replaceAll("[^0-9]", "")) * 1024)
        .orElse(Long.MAX_VALUE / 2);
  }

  private static Optional<String> field(String file, String key) {
    Path path = Path.of(file);
    if (!Files.isReadable(path)) {
      return Optional.empty();
    }
    try (Stream<String> lines = Files.lines(path)) {
      return lines
          .filter(line -> line.startsWith(key) && line.contains(":"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
