package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.CompiledImages;
import dev.anneal.gpu.KernelImages;
import dev.anneal.gpu.KernelSource;
import dev.anneal.plan.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Where CUDA's machine code comes from. */
@ResourceLock("double of CUDA")
class KernelImagesTest {

  @Test
  void compilesAFileOnce(@TempDir Path folder) throws IOException {
    CudaDouble.build();
    Nvrtc nvrtc =
        new Nvrtc(CudaLibrary.NVRTC.find(CudaLibrary.locator(System.getenv())).orElseThrow());
    KernelImages images =
        new CompiledImages(
            new CacheDirectory(folder),
            NvrtcCompiler.of(nvrtc, 90),
            name -> KernelSource.of(name, List.of(KernelSource.CUDA_FOLDER)));
    byte[] image = images.image("fill.cu", DType.F32);
    Path file;
    try (Stream<Path> files = Files.list(folder)) {
      file = files.findFirst().orElseThrow();
    }
    assertArrayEquals(image, Files.readAllBytes(file));
    Files.write(file, new byte[] {7});
    assertArrayEquals(new byte[] {7}, images.image("fill.cu", DType.F32), "from the cache");
  }

  @Test
  void withoutCompilerTakesWhatNvccMade() throws Exception {
    Path classes = Path.of(KernelImagesTest.class.getResource("/").toURI());
    Path image = classes.resolve("dev/anneal/cuda/images/fill-sm_89.cubin");
    Files.createDirectories(image.getParent());
    Files.write(image, new byte[] {5, 6});
    try {
      assertArrayEquals(new byte[] {5, 6}, new PrebuiltImages(89).image("fill.cu", DType.F32));
    } finally {
      Files.delete(image);
    }
    Failure failure =
        assertThrows(Failure.class, () -> new PrebuiltImages(75).image("fill.cu", DType.F32));
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
