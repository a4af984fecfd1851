package dev.anneal.opencl;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Files that can be made again, in ${XDG_CACHE_HOME:-~/.cache}/anneal/opencl. A file is written
 * beside and renamed, so that processes that start together never see half of one. Nothing here
 * fails: a cache that cannot be read or written is as good as an empty one.
 */
final class CacheDirectory {
  private final Path directory;

  CacheDirectory(Path directory) {
    this.directory = directory;
  }

  static CacheDirectory ofUser() {
    String xdg = System.getenv("XDG_CACHE_HOME");
    Path base =
        xdg == null || !Path.of(xdg).isAbsolute()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(xdg);
    return new CacheDirectory(base.resolve("anneal").resolve("opencl"));
  }

  Path directory() {
    return directory;
  }

  Optional<byte[]> read(String name) {
    try {
      return Optional.of(Files.readAllBytes(directory.resolve(name)));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Whether {@code name} is there afterwards. */
  boolean write(String name, byte[] bytes) {
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

  void delete(String name) {
    try {
      Files.deleteIfExists(directory.resolve(name));
    } catch (IOException e) {
      // It is written again, or stays unreadable.
    }
  }
}
