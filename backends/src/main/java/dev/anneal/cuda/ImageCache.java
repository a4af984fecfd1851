package dev.anneal.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * Compiled kernels on disk, by what they were made of: architecture, source, options, compiler. A
 * file is written beside and renamed, so that several processes can share the folder; one that
 * cannot be read or written is as if it were not there.
 */
record ImageCache(Path folder) {

  /** {@code $XDG_CACHE_HOME/anneal/cuda}, or {@code ~/.cache/anneal/cuda}. */
  static ImageCache of(Map<String, String> environment) {
    String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
    Path base =
        cache.isBlank() ? Path.of(System.getProperty("user.home", "."), ".cache") : Path.of(cache);
    return new ImageCache(base.resolve("anneal").resolve("cuda"));
  }

  /** A name for what is made of {@code parts}. */
  static String key(String... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String part : parts) {
        digest.update(part.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  Optional<byte[]> get(String key) {
    try {
      byte[] image = Files.readAllBytes(folder.resolve(key));
      return image.length == 0 ? Optional.empty() : Optional.of(image);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  void put(String key, byte[] image) {
    try {
      Files.createDirectories(folder);
      Path beside = Files.createTempFile(folder, key, ".part");
      Files.write(beside, image);
      Files.move(beside, folder.resolve(key), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      return; // Compiled again next time.
    }
  }
}
