package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.gpu.SmallStep;
import dev.anneal.plan.Arena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import jcuda.driver.CUDA_ARRAY_DESCRIPTOR;
import jcuda.driver.CUarray;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** What a user meets when something about CUDA is missing, old, full or lost. */
@ResourceLock("double of CUDA")
class CudaBackendTest {

  /** What a process finds whose loader looks into {@code folder} first. */
  private static String probe(Path folder, Map<String, String> environment) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            System.getProperty("java.home") + "/bin/java",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Probe.class.getName());
    builder.environment().put("LD_LIBRARY_PATH", folder.toString());
    builder.environment().putAll(environment);
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes()).strip();
    assertEquals(0, process.waitFor(), out);
    return out;
  }

  @Test
  void findsTheDouble() {
    CudaDouble.build();
    Availability found = new CudaBackend().probe();
    DeviceInfo device = ((Availability.Available) found).devices().getFirst();
    assertEquals("test double on the CPU", device.name());
    assertTrue(device.details().startsWith("sm_90, driver for CUDA 12.8, NVRTC 13.0 (/"));
    assertTrue(device.details().contains("libnvrtc.so.13"), device.details());
    assertTrue(device.details().contains(", libcublasLt.so.13 (/"), device.details());
    assertTrue(device.details().contains(", libcudnn.so.9 (/"), device.details());
  }

  @Test
  void listsItsLibrariesWithTheirVersions() {
    CudaDouble.build();
    Map<String, LibraryInfo> libraries =
        new CudaBackend()
            .libraries().stream().collect(Collectors.toMap(LibraryInfo::name, Function.identity()));
    Map.of("libcuda", "CUDA 12.8", "libnvrtc", "13.0", "libcublasLt", "13.0.0")
        .forEach(
            (name, version) -> {
              LibraryInfo.Found found = (LibraryInfo.Found) libraries.get(name);
              assertEquals(Optional.of(version), found.version());
              assertTrue(found.path().orElseThrow().contains("/" + name + ".so."));
            });
  }

  @Test
  void saysThatThereIsNoDriver(@TempDir Path empty) throws Exception {
    String found = probe(empty, Map.of());
    // A machine that has a driver of its own has something else to say.
    assertTrue(
        found.equals("Missing[reason=no NVIDIA driver: libcuda.so.1 is not in the loader's path]")
            || found.startsWith("Available"),
        found);
  }

  @Test
  void saysThatThereIsNoGpu() throws Exception {
    CudaDouble.build();
    String found = probe(CudaDouble.directory(), Map.of("ANNEAL_DOUBLE_NO_DEVICE", "1"));
    assertTrue(
        found.matches("Missing.reason=the NVIDIA driver .*libcuda.so.1 finds no GPU."), found);
  }

  private static void library(Path file, String source) throws IOException {
    Path text = Files.writeString(file.resolveSibling("source.cpp"), source);
    assertEquals(
        List.of(),
        CudaDouble.run(
            file.getParent(),
            "g++",
            "-shared",
            "-fPIC",
            "-Wl,-soname," + file.getFileName(),
            "-o",
            file.toString(),
            text.toString()));
  }

  @Test
  void saysThatTheDriverIsTooOld(@TempDir Path folder) throws Exception {
    CudaDouble.build();
    library(folder.resolve("libcuda.so.1"), "extern \"C\" int cuInit(unsigned) { return 0; }");
    String found = probe(folder, Map.of());
    assertTrue(found.contains("is too old: it has no cuDriverGetVersion"), found);
  }

  @Test
  void saysThatThereIsNoCompiler(@TempDir Path folder) throws Exception {
    CudaDouble.build();
    Files.copy(CudaDouble.directory().resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
    String found = probe(folder, Map.of("CUDA_HOME", folder.toString()));
    String expected =
        new PrebuiltImages(90).there()
            ? "kernels as nvcc made them"
            : "libnvrtc.so.13 or libnvrtc.so.12 is not in";
    assertTrue(found.contains(expected), found);
  }

  @Test
  void takesTheNewestLibraryAndPassesOverWhatIsNone(@TempDir Path root) throws Exception {
    CudaDouble.build();
    Path toolkit = Files.createDirectories(root.resolve("cuda/lib64"));
    Path python =
        Files.createDirectories(
            root.resolve("venv/lib/python3.12/site-packages/nvidia/cublas/lib"));
    Map<String, String> environment =
        Map.of(
            "CUDA_HOME", root.resolve("cuda").toString(),
            "VIRTUAL_ENV", root.resolve("venv").toString());
    List<String> sonames = List.of("libannealtest.so.13", "libannealtest.so.12");
    LibraryLocator locator = CudaLibrary.locator(environment);
    library(toolkit.resolve("libannealtest.so.12"), "extern \"C\" int twelve() { return 12; }");
    assertEquals("libannealtest.so.12", locator.find(sonames, "").orElseThrow().soname());
    Files.writeString(toolkit.resolve("libannealtest.so.13"), "no library at all");
    assertEquals("libannealtest.so.12", locator.find(sonames, "").orElseThrow().soname());
    library(python.resolve("libannealtest.so.13"), "extern \"C\" int thirteen() { return 13; }");
    SharedLibrary newest = locator.find(sonames, "").orElseThrow();
    assertEquals("libannealtest.so.13", newest.soname());
    assertEquals(python.resolve("libannealtest.so.13").toString(), newest.path());
    Failure failure =
        assertThrows(Failure.class, () -> newest.function(CFunction.status("cublasLtCreate")));
    assertEquals(ExitCode.BACKEND, failure.exitCode());
    assertTrue(failure.getMessage().endsWith("install a newer libannealtest.so.13"));
  }

  @Test
  void saysHowMuchMemoryThereIsNot() throws Throwable {
    try (Device device = CudaDouble.open()) {
      // Another test's cuMemFree may have failed on purpose.
      long total = DoubleControls.CUDA.allocated() + 1000;
      DoubleControls.CUDA.capacity(total);
      Failure failure = assertThrows(Failure.class, () -> device.allocate(Arena.ACTIVATIONS, 1001));
      assertTrue(
          failure
              .getMessage()
              .startsWith("the activations need 1001 bytes; the device has 1000 free of " + total),
          failure.getMessage());
    } finally {
      DoubleControls.CUDA.capacity(4L << 30);
    }
  }

  @Test
  void saysThatTheDeviceWasLost() throws Throwable {
    try (Device device = CudaDouble.open();
        SmallStep step = new SmallStep(device)) {
      step.run();
      step.run();
      DoubleControls.CUDA.lose(CUresult.CUDA_ERROR_LAUNCH_FAILED);
      Failure failure = assertThrows(Failure.class, step::run);
      assertEquals(ExitCode.BACKEND, failure.exitCode());
      assertTrue(failure.getMessage().contains("CUDA_ERROR_LAUNCH_FAILED"), failure.getMessage());
      DoubleControls.CUDA.lose(0);
    }
  }

  @Test
  void namesTheKernelsThereAre() {
    try (Device device = CudaDouble.open()) {
      Failure name =
          assertThrows(Failure.class, () -> device.chooseKernels(Map.of("layernorm", 1)));
      assertEquals(ExitCode.USAGE, name.exitCode());
      assertTrue(name.getMessage().contains("layernorm_forward, layernorm_backward"));
      Failure version = assertThrows(Failure.class, () -> device.chooseKernels(Map.of("adamw", 9)));
      assertEquals("kernel adamw=v9: cuda has its versions v1 to v3", version.getMessage());
      assertEquals(3, device.kernelVersions().get("adamw"));
    }
  }

  @Test
  void aFunctionThatTheDoubleHasNotIsNotSupported() {
    try (Device device = CudaDouble.open()) {
      assertEquals(
          CUresult.CUDA_ERROR_NOT_SUPPORTED,
          JCudaDriver.cuArrayCreate(new CUarray(), new CUDA_ARRAY_DESCRIPTOR()));
      assertEquals(
          CUresult.CUDA_ERROR_INVALID_IMAGE,
          JCudaDriver.cuModuleLoadData(new CUmodule(), new byte[4096]));
    }
  }

  private static Nvrtc nvrtc() {
    return new Nvrtc(CudaLibrary.NVRTC.find(CudaLibrary.locator(System.getenv())).orElseThrow());
  }

  @Test
  void namesTheLineThatDoesNotCompile() {
    CudaDouble.build();
    Failure failure =
        assertThrows(
            Failure.class,
            () ->
                nvrtc()
                    .compile(
                        "#line 1 \"wrong.cu\"\nint x = y;\n",
                        "wrong.cu",
                        Target.device(90),
                        List.of()));
    assertTrue(
        failure.getMessage().startsWith("NVRTC 13.0 does not compile wrong.cu for sm_90a:"),
        failure.getMessage());
    assertTrue(failure.getMessage().contains("wrong.cu:1"), failure.getMessage());
  }

  /** How a launch of {@code kernel}, which takes one address, ends. */
  private static int launch(String body) {
    byte[] image =
        nvrtc()
            .compile(
                KernelSource.of("device.cuh", List.of(KernelSource.CUDA_FOLDER)).text()
                    + "\nKERNEL(256) probe(float* out) {"
                    + body
                    + "}\n",
                "probe.cu",
                Target.device(90),
                NvrtcCompiler.OPTIONS);
    CUmodule module = new CUmodule();
    assertEquals(0, JCudaDriver.cuModuleLoadData(module, image));
    CUfunction function = new CUfunction();
    assertEquals(0, JCudaDriver.cuModuleGetFunction(function, module, "probe"));
    int launched =
        JCudaDriver.cuLaunchKernel(
            function,
            1,
            1,
            1,
            64,
            1,
            1,
            0,
            null,
            jcuda.Pointer.to(jcuda.Pointer.to(new long[] {0})),
            null);
    // What a kernel does wrong is said where it is waited for.
    CUstream stream = new CUstream();
    int waited = JCudaDriver.cuStreamSynchronize(stream);
    return launched == 0 ? waited : launched;
  }

  @Test
  void theDoubleSeesThreadsThatDiverge() {
    try (Device device = CudaDouble.open()) {
      assertEquals(0, launch("__syncthreads(); warp_sum(1.0f);"));
      String half = "if (threadIdx.x < 40) { %s }";
      for (String wrong :
          List.of(
              half.formatted("__syncthreads();"),
              half.formatted("warp_sum(1.0f);"),
              "if (threadIdx.x < 32) {\n __syncthreads();\n } else {\n __syncthreads(); }",
              "if (threadIdx.x == 5) { return; } __syncthreads();",
              "__shfl_sync(0xffu, 1.0f, 9);")) {
        assertEquals(CUresult.CUDA_ERROR_LAUNCH_FAILED, launch(wrong), wrong);
      }
    }
  }
}
