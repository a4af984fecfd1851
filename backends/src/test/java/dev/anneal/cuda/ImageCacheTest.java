package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.plan.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiled kernels on disk. */
class ImageCacheTest {

  @Test
  void isWhereTheEnvironmentSays() {
    assertEquals(
        Path.of("/elsewhere/anneal/cuda"),
        ImageCache.of(Map.of("XDG_CACHE_HOME", "/elsewhere")).folder());
    assertTrue(ImageCache.of(Map.of()).folder().endsWith(".cache/anneal/cuda"));
  }

  @Test
  void keysDependOnEveryPart() {
    assertNotEquals(ImageCache.key("a", "b"), ImageCache.key("ab", ""));
    assertNotEquals(ImageCache.key("sm_90a", "13.0", "x"), ImageCache.key("sm_90a", "13.1", "x"));
    assertEquals(ImageCache.key("a", "b"), ImageCache.key("a", "b"));
  }

  @Test
  void givesBackWhatWasPutAndNothingHalf(@TempDir Path folder) throws IOException {
    ImageCache cache = new ImageCache(folder.resolve("new"));
    assertEquals(Optional.empty(), cache.get("k"));
    cache.put("k", new byte[] {1, 2, 3});
    assertArrayEquals(new byte[] {1, 2, 3}, cache.get("k").orElseThrow());
    try (Stream<Path> files = Files.list(cache.folder())) {
      assertEquals(List.of("k"), files.map(f -> f.getFileName().toString()).toList());
    }
    Files.write(cache.folder().resolve("empty"), new byte[0]);
    assertEquals(Optional.empty(), cache.get("empty"));
  }

  @Test
  void aFolderThatCannotBeWrittenIsAsIfEmpty(@TempDir Path folder) throws IOException {
    ImageCache cache = new ImageCache(Files.writeString(folder.resolve("file"), "x"));
    cache.put("k", new byte[] {1});
    assertEquals(Optional.empty(), cache.get("k"));
  }

  @Test
  void compilesAFileOnce(@TempDir Path folder) throws IOException {
    CudaDouble.build();
    Nvrtc nvrtc =
        new Nvrtc(LibraryLocator.of(System.getenv()).find(CudaLibrary.NVRTC).orElseThrow());
    KernelImages images = new KernelImages(new ImageCache(folder), Optional.of(nvrtc));
    byte[] image = images.image("fill.cu", DType.F32, 90);
    Path file;
    try (Stream<Path> files = Files.list(folder)) {
      file = files.findFirst().orElseThrow();
    }
    assertArrayEquals(image, Files.readAllBytes(file));
    Files.write(file, new byte[] {7});
    assertArrayEquals(new byte[] {7}, images.image("fill.cu", DType.F32, 90), "from the cache");
  }

  @Test
  void withoutCompilerTakesWhatNvccMade(@TempDir Path folder) throws Exception {
    KernelImages images = new KernelImages(new ImageCache(folder), Optional.empty());
    Path classes = Path.of(ImageCacheTest.class.getResource("/").toURI());
    Path image = classes.resolve("dev/anneal/cuda/images/fill-sm_89.cubin");
    Files.createDirectories(image.getParent());
    Files.write(image, new byte[] {5, 6});
    try {
      assertArrayEquals(new byte[] {5, 6}, images.image("fill.cu", DType.F32, 89));
    } finally {
      Files.delete(image);
    }
    Failure failure = assertThrows(Failure.class, () -> images.image("fill.cu", DType.F32, 75));
    assertEquals(ExitCode.BACKEND, failure.exitCode());
    assertTrue(failure.getMessage().contains("no image of fill.cu for sm_75"));
  }

  @Test
  void aDeviceThatTheCompilerDoesNotKnowGetsPtx() {
    List<Integer> known = List.of(80, 89, 90);
    assertEquals("sm_90a", Target.of(90, known).option());
    assertEquals("sm_89", Target.of(89, known).option());
    assertEquals("compute_90", Target.of(120, known).option());
    assertEquals("compute_80", Target.of(86, known).option());
  }
}
