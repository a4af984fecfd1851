package dev.anneal.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * Where a measurement is from; each is empty where it was not kept.
 *
 * @param host the machine's name
 * @param date when it was made, as ISO 8601 in UTC
 * @param version of Anneal
 * @param dtype how the device stored numbers
 */
public record Origin(String host, String date, String version, String dtype) {
  private static final Path HOST = Path.of("/proc/sys/kernel/hostname");

  /** This machine, now. */
  static Origin here(String version, String dtype) {
    return new Origin(
        hostName(), Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(), version, dtype);
  }

  private static String hostName() {
    try {
      return Files.readString(HOST).strip();
    } catch (IOException e) {
      // Not Linux; a name service might take its time to say it.
      return System.getenv().getOrDefault("HOSTNAME", "");
    }
  }
}
