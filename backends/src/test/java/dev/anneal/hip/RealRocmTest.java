package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bindings on the real libamdhip64 of ROCm 5, which has hipRTC in it, without a GPU. */
@ResourceLock("double of HIP")
class RealRocmTest {
  private static Optional<SharedLibrary> library = Optional.empty();

  @BeforeAll
  static void find() {
    library = new LibraryLocator(List.of(), "").find(List.of("libamdhip64.so.5"), "");
    assumeTrue(library.isPresent(), "no libamdhip64.so.5 here; .ci/run installs it");
  }

  private static HipRuntime runtime() {
    return new HipRuntime(library.orElseThrow());
  }

  @Test
  void everyFunctionIsThereAndTheVersionIsRead() {
    assertTrue(runtime().version().matches("5\\.\\d+"), runtime().version());
    assertEquals("hipErrorNoDevice", runtime().errorName(HipRuntime.NO_DEVICE.value()));
    assertEquals("hipErrorOutOfMemory", runtime().errorName(HipRuntime.OUT_OF_MEMORY.value()));
    assertTrue(library.orElseThrow().has("hipGetDeviceProperties"));
  }

  @Test
  void withoutAGpuItSaysSo() {
    int count = runtime().deviceCount();
    assumeTrue(count <= 0, "there is an AMD GPU here");
    assertEquals(-HipRuntime.NO_DEVICE.value(), count);
    Failure failure = assertThrows(Failure.class, () -> runtime().newStream());
    assertEquals(ExitCode.BACKEND, failure.exitCode());
    assertTrue(failure.getMessage().startsWith("the HIP device was lost while making a stream"));
  }

  private static HipCompiler compiler(String architecture, int wave) {
    return new HipCompiler(
        HipCompiler.bind(library.orElseThrow()), new Architecture(architecture), wave);
  }

  @ParameterizedTest
  @CsvSource({
    "gfx906, 64, layernorm.cu",
    "gfx90a, 64, attention.cu",
    "gfx1030, 32, cross_entropy.cu"
  })
  void hipRtcCompilesTheKernels(String architecture, int wave, String file) {
    KernelSource source = KernelSource.of(file, HipCompiler.FOLDERS);
    byte[] image = compiler(architecture, wave).compile(source, List.of());
    CodeObject object = CodeObject.of(image);
    assertFalse(object.kernels().isEmpty());
    object
        .kernels()
        .forEach((kernel, numbers) -> assertEquals(wave, numbers.get(".wavefront_size"), kernel));
  }

  @Test
  void hipRtcsComplaintIsOneLine() {
    KernelSource source = new KernelSource("wrong.cu", "int x = y;");
    Failure failure =
        assertThrows(Failure.class, () -> compiler("gfx90a", 64).compile(source, List.of()));
    assertTrue(
        failure.getMessage().matches("hipRTC [0-9.]+ does not compile wrong.cu for gfx90a: .*y.*"),
        failure.getMessage());
  }

  @Test
  void aCrashOfHipRtcIsAFailureAndNotOurs() {
    KernelSource source = KernelSource.of("fill.cu", HipCompiler.FOLDERS);
    Failure failure =
        assertThrows(Failure.class, () -> compiler("gfx1100", 32).compile(source, List.of()));
    assertTrue(
        failure.getMessage().contains("gfx1100") && failure.getMessage().lines().count() == 1,
        failure.getMessage());
  }
}
