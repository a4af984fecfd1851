package dev.anneal.opencl;

import dev.anneal.cache.CacheDirectory;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Compiled kernel files from earlier runs, each under the hash of all that it depends on: device,
 * driver, options and source. A file begins with the hash of the rest; one that is damaged is
 * thrown away, since drivers may crash on it.
 */
final class KernelBinaries {
  private static final int HASH_BYTES = 32;

  private final CacheDirectory cache;

  KernelBinaries(CacheDirectory cache) {
    this.cache = cache;
  }

  static String name(Source source, List<String> text, String options, DeviceLimits limits) {
    MessageDigest digest = sha256();
    for (String part : List.of(limits.identity(), options, String.join("\n", text))) {
      digest.update(part.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
    }
    return source.file() + "-" + HexFormat.of().formatHex(digest.digest()) + ".bin";
  }

  Optional<byte[]> read(String name) {
    Optional<byte[]> file = cache.read(name);
    Optional<byte[]> binary = file.flatMap(KernelBinaries::checked);
    if (file.isPresent() && binary.isEmpty()) {
      cache.delete(name);
    }
    return binary;
  }

  private static Optional<byte[]> checked(byte[] file) {
    if (file.length <= HASH_BYTES) {
      return Optional.empty();
    }
    byte[] binary = Arrays.copyOfRange(file, HASH_BYTES, file.length);
    byte[] hash = Arrays.copyOf(file, HASH_BYTES);
    return Arrays.equals(hash, sha256().digest(binary)) ? Optional.of(binary) : Optional.empty();
  }

  void write(String name, byte[] binary) {
    byte[] file = Arrays.copyOf(sha256().digest(binary), HASH_BYTES + binary.length);
    System.arraycopy(binary, 0, file, HASH_BYTES, binary.length);
    cache.write(name, file);
  }

  void delete(String name) {
    cache.delete(name);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
