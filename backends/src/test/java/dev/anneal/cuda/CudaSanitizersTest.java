package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.GpuCases;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.KernelFiles;
import dev.anneal.gpu.KernelImages;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.SpreadDevice;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Launches of every kernel again under the compiler's sanitizers, with every tensor in memory of
 * its own: reads and writes beyond it, undefined arithmetic, and, between threads that no barrier
 * orders, races. Device memory is as it was before each launch.
 */
class CudaSanitizersTest {
  /** What is launched, and the files that have it. */
  private enum Launches {
    FP32(DType.F32, KernelFiles.PORTABLE),
    BF16(
        DType.BF16,
        Stream.concat(KernelFiles.PORTABLE.stream(), KernelFiles.TENSOR_CORES.stream()).toList()),
    TENSOR_CORES(DType.BF16, KernelFiles.TENSOR_CORES);

    private final DType real;
    private final List<String> files;

    Launches(DType real, List<String> files) {
      this.real = real;
      this.files = files;
    }
  }

  /** Elements of all tensors together that are few enough to be written down for each launch. */
  private static final long FEW = 30_000;

  @TempDir private static Path shared;
  @TempDir private Path folder;

  @Test
  void noKernelReachesBeyondItsTensorsOrIsUndefined() throws Throwable {
    replay("address,undefined", "-fsanitize=address,undefined", Launches.FP32);
  }

  @Test
  void nothingIsWrongInSixteenBitsEither() throws Throwable {
    replay("address,undefined", "-fsanitize=address,undefined", Launches.BF16);
  }

  @Test
  void noTwoThreadsRace() throws Throwable {
    replay("thread", "-DANNEAL_RACES", Launches.FP32);
  }

  @Test
  void noTwoThreadsRaceForTensorCores() throws Throwable {
    replay("thread", "-DANNEAL_RACES", Launches.TENSOR_CORES);
  }

  private void replay(String sanitizer, String ofFibers, Launches launches) throws Throwable {
    CudaDouble.build();
    Path program = folder.resolve("replay");
    String objects = folder.toString();
    List<String> compiled =
        CudaDouble.run(
            CudaDouble.directory(),
            "sh",
            "-c",
            "g++ -std=c++17 -O1 -g1 %1$s -c -o %2$s/replay.o replay.cpp && g++ -std=c++17 -O1 -g1 %1$s -c -o %2$s/fibers.o fibers.cpp && g++ -rdynamic -fsanitize=%3$s -o %2$s/replay %2$s/replay.o %2$s/fibers.o -ldl -lpthread"
                .formatted(ofFibers, objects, sanitizer));
    assumeTrue(compiled.isEmpty(), "g++ has no -fsanitize=" + sanitizer + " here: " + compiled);
    List<String> command =
        new ArrayList<>(List.of("timeout", "100", program.toString(), record(launches).toString()));
    for (String file : launches.files) {
      command.add(module(file, sanitizer, ofFibers, launches.real).toString());
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("ASAN_OPTIONS", "detect_stack_use_after_return=0:detect_leaks=0");
    builder.environment().put("TSAN_OPTIONS", "exitcode=66:report_signal_unsafe=0");
    Process process = builder.start();
    List<String> lines = process.inputReader().lines().toList();
    int code = process.waitFor();
    List<String> reports = lines.stream().filter(line -> !line.startsWith("replay: ")).toList();
    assertTrue(code == 0 && reports.size() == 1, () -> code + "\n" + String.join("\n", lines));
    assertTrue(reports.getFirst().endsWith(" launches"), reports.getFirst());
  }

  private Path module(String file, String sanitizer, String option, DType real) throws IOException {
    Nvrtc nvrtc =
        new Nvrtc(CudaLibrary.NVRTC.find(CudaLibrary.locator(System.getenv())).orElseThrow());
    KernelSource source = KernelSource.of(file, List.of(KernelSource.CUDA_FOLDER));
    byte[] image =
        nvrtc.compile(
            source.text(),
            file,
            Target.device(90),
            Stream.of(
                    NvrtcCompiler.OPTIONS,
                    KernelImages.definitions(real),
                    List.of(option, "-fsanitize=" + sanitizer))
                .flatMap(List::stream)
                .toList());
    return Files.write(folder.resolve(file + ".so"), image);
  }

  private static long elements(OpRun run) {
    return run.op().tensors().stream().mapToLong(Tensor::elements).sum();
  }

  private static Stream<OpRun> all(DType real) {
    return real == DType.BF16
        ? GpuCases.sixteenBits()
        : Stream.concat(OpCases.all(), GpuCases.all());
  }

  /** Of each kind of op the smallest case and the largest two that are small enough. */
  private static List<OpRun> cases(DType real) {
    Map<Class<? extends Op>, List<OpRun>> byKind = new HashMap<>();
    all(real)
        .filter(run -> elements(run) <= FEW)
        .sorted(Comparator.comparingLong(CudaSanitizersTest::elements))
        .forEach(
            run -> byKind.computeIfAbsent(run.op().getClass(), k -> new ArrayList<>()).add(run));
    List<OpRun> chosen = new ArrayList<>();
    for (List<OpRun> runs : byKind.values()) {
      chosen.add(runs.getFirst());
      chosen.addAll(runs.subList(Math.max(1, runs.size() - 2), runs.size()));
    }
    return chosen;
  }

  private Path record(Launches launches) throws Throwable {
    Path record = shared.resolve("launches-" + launches);
    if (Files.exists(record)) {
      return record;
    }
    try (SpreadDevice device = new SpreadDevice((GpuDevice) CudaDouble.open());
        GpuDevice cuda = (GpuDevice) CudaDouble.open()) {
      DoubleControls.CUDA.record(record.toString());
      if (launches != Launches.TENSOR_CORES) {
        everyVersion(launches.real, device, cuda);
      }
      if (launches.real == DType.BF16) {
        device.chooseKernels(TensorCoresTest.VERSIONS);
        TensorCoreCases.few().forEach(run -> run.on(device));
      }
    } finally {
      DoubleControls.CUDA.record("");
    }
    return record;
  }

  private static void everyVersion(DType real, SpreadDevice device, GpuDevice cuda) {
    List<OpRun> cases = cases(real);
    // In 16 bits, five kinds have nothing to store so and one is for decoding.
    assertEquals(
        real == DType.F32 ? 23 : 17,
        cases.stream().map(run -> run.op().getClass()).distinct().count());
    for (OpRun run : cases) {
      for (Map<String, Integer> versions : GpuCases.versions(run.op(), cuda)) {
        device.chooseKernels(versions);
        run.on(device);
      }
    }
  }
}
