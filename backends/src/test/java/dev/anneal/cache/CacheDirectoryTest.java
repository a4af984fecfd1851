package dev.anneal.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that can be made again. */
class CacheDirectoryTest {

  @Test
  void isWhereTheEnvironmentSays() {
    assertEquals(
        Path.of("/elsewhere/anneal/cuda"),
        CacheDirectory.of(Map.of("XDG_CACHE_HOME", "/elsewhere"), "cuda").directory());
    assertTrue(CacheDirectory.of(Map.of(), "cuda").directory().endsWith(".cache/anneal/cuda"));
    assertTrue(
        CacheDirectory.of(Map.of("XDG_CACHE_HOME", "relative"), "cuda").directory().isAbsolute());
  }

  @Test
  void keysDependOnEveryPart() {
    assertNotEquals(CacheDirectory.key("a", "b"), CacheDirectory.key("ab", ""));
    assertNotEquals(
        CacheDirectory.key("sm_90a", "13.0", "x"), CacheDirectory.key("sm_90a", "13.1", "x"));
    assertEquals(CacheDirectory.key("a", "b"), CacheDirectory.key("a", "b"));
  }

  @Test
  void givesBackWhatWasPutAndNothingHalf(@TempDir Path folder) throws IOException {
    CacheDirectory cache = new CacheDirectory(folder.resolve("new"));
    assertEquals(Optional.empty(), cache.read("k"));
    cache.write("k", new byte[] {1, 2, 3});
    assertArrayEquals(new byte[] {1, 2, 3}, cache.read("k").orElseThrow());
    try (Stream<Path> files = Files.list(cache.directory())) {
      assertEquals(List.of("k"), files.map(f -> f.getFileName().toString()).toList());
    }
    Files.write(cache.directory().resolve("empty"), new byte[0]);
    assertEquals(Optional.empty(), cache.read("empty"));
  }

  @Test
  void aFolderThatCannotBeWrittenIsAsIfEmpty(@TempDir Path folder) throws IOException {
    CacheDirectory cache = new CacheDirectory(Files.writeString(folder.resolve("file"), "x"));
    assertFalse(cache.write("k", new byte[] {1}));
    assertEquals(Optional.empty(), cache.read("k"));
  }
}
