package dev.anneal.cache;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * Files that can be made again, in {@code ${XDG_CACHE_HOME:-~/.cache}/anneal}. A file is written
 * beside and renamed, so that processes that start together never see half of one. Nothing here
 * fails: a cache that cannot be read or written is as good as an empty one.
 */
public record CacheDirectory(Path directory) {

  /** All of the user's. */
  public static CacheDirectory ofUser() {
    return of(System.getenv(), "");
  }

  /** The user's, for {@code purpose}, e.g. {@code opencl}. */
  public static CacheDirectory ofUser(String purpose) {
    return of(System.getenv(), purpose);
  }

  /** The directory of {@code purpose} as these environment variables have it. */
  public static CacheDirectory of(Map<String, String> environment, String purpose) {
    Path xdg = Path.of(environment.getOrDefault("XDG_CACHE_HOME", ""));
    // A relative one is to be ignored, by the XDG base directory specification.
    Path base = xdg.isAbsolute() ? xdg : Path.of(System.getProperty("user.home", "."), ".cache");
    return new CacheDirectory(base.resolve("anneal").resolve(purpose));
  }

  /** A name for what is made of {@code parts}. */
  public static String key(String... parts) {
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

  /** What was written under {@code name}; nothing when there is no such file, or an empty one. */
  public Optional<byte[]> read(String name) {
    try {
      byte[] bytes = Files.readAllBytes(directory.resolve(name));
      return bytes.length == 0 ? Optional.empty() : Optional.of(bytes);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Whether {@code name} is there afterwards. */
  public boolean write(String name, byte[] bytes) {
    try {
      Files.createDirectories(directory);
      Path beside = Files.createTempFile(directory, name, ".part");
      try {
        Files.write(beside, bytes);
        rename(beside, directory.resolve(name));
        return true;
      } finally {
        Files.deleteIfExists(beside);
      }
    } catch (IOException e) {
      return false;
    }
  }

  private static void rename(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  public void delete(String name) {
    try {
      Files.deleteIfExists(directory.resolve(name));
    } catch (IOException e) {
      // It is written again, or stays unreadable.
    }
  }
}
