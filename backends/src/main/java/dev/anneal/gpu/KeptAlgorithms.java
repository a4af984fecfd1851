package dev.anneal.gpu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.cache.CacheDirectory;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What trials found, on disk: a file for each product, named after it, the library with its
 * version, the device and its driver, so that none is taken for another's.
 *
 * @param where the device and its driver
 */
record KeptAlgorithms(CacheDirectory cache, String where) {
  private static final String FORMAT = "anneal-product-1";
  private static final int PARTS = 7;

  /** What is known of a product. */
  sealed interface Entry {}

  record Nothing() implements Entry {}

  /**
   * What was found, as {@link dev.anneal.device.ProductAlgorithm} has it.
   *
   * @param algorithm in hexadecimal digits
   */
  record Found(String algorithm, int tried, int dropped, double nanos, double firstNanos)
      implements Entry {}

  /** Something that nobody wrote so. */
  record Damaged(String path) implements Entry {}

  private String file(String library, String product) {
    return "product-" + CacheDirectory.key(where, library, product);
  }

  Entry read(String library, String product) {
    String file = file(library, product);
    return cache
        .read(file)
        .map(
            bytes ->
                parsed(new String(bytes, UTF_8))
                    .<Entry>map(found -> found)
                    .orElseGet(() -> new Damaged(cache.directory().resolve(file).toString())))
        .orElseGet(Nothing::new);
  }

  void write(String library, String product, Found found) {
    String text =
        String.join(
            " ",
            List.of(
                FORMAT,
                found.algorithm(),
                "" + found.tried(),
                "" + found.dropped(),
                "" + found.nanos(),
                "" + found.firstNanos()));
    // When that fails, the next process tries again.
    cache.write(file(library, product), (text + " " + sum(text)).getBytes(UTF_8));
  }

  void forget(String library, String product) {
    cache.delete(file(library, product));
  }

  private static Optional<Found> parsed(String text) {
    String[] parts = text.split(" ", -1);
    int end = text.lastIndexOf(' ');
    if (parts.length != PARTS
        || !parts[0].equals(FORMAT)
        || !parts[PARTS - 1].equals(sum(text.substring(0, end)))) {
      return Optional.empty();
    }
    return Optional.of(
        new Found(
            parts[1],
            Integer.parseInt(parts[2]),
            Integer.parseInt(parts[3]),
            Double.parseDouble(parts[4]),
            Double.parseDouble(parts[5])));
  }

  private static String sum(String text) {
    CRC32C sum = new CRC32C();
    sum.update(text.getBytes(UTF_8));
    return Long.toHexString(sum.getValue());
  }
}
