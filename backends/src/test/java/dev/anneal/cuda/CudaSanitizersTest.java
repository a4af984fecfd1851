package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.GpuCases;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.KernelFiles;
import dev.anneal.gpu.KernelImages;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.Replay;
import dev.anneal.gpu.SpreadDevice;
import dev.anneal.gpu.TensorCoreCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Launches of every kernel again under the compiler's sanitizers, with every tensor in memory of
 * its own: reads and writes beyond it, undefined arithmetic, and, between threads that no barrier
 * orders, races. Device memory is as it was before each launch.
 */
@ResourceLock("double of CUDA")
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

  @TempDir private static Path shared;
  @TempDir private Path folder;

  @Test
  void noKernelReachesBeyondItsTensorsOrIsUndefined() throws Throwable {
    replay(Replay.BOUNDS, Launches.FP32);
  }

  @Test
  void nothingIsWrongInSixteenBitsEither() throws Throwable {
    replay(Replay.BOUNDS, Launches.BF16);
  }

  @Test
  void noTwoThreadsRace() throws Throwable {
    replay(Replay.RACES, Launches.FP32);
  }

  @Test
  void noTwoThreadsRaceForTensorCores() throws Throwable {
    replay(Replay.RACES, Launches.TENSOR_CORES);
  }

  private void replay(Replay replay, Launches launches) throws Throwable {
    CudaDouble.build();
    List<Path> modules = new ArrayList<>();
    for (String file : launches.files) {
      modules.add(module(file, replay, launches.real));
    }
    replay.check(record(launches), modules);
  }

  private Path module(String file, Replay replay, DType real) throws IOException {
    Nvrtc nvrtc =
        new Nvrtc(CudaLibrary.NVRTC.find(CudaLibrary.locator(System.getenv())).orElseThrow());
    KernelSource source = KernelSource.of(file, List.of(KernelSource.CUDA_FOLDER));
    byte[] image =
        nvrtc.compile(
            source.text(),
            file,
            Target.device(90),
            Stream.of(NvrtcCompiler.OPTIONS, KernelImages.definitions(real), replay.options())
                .flatMap(List::stream)
                .toList());
    return Files.write(folder.resolve(file + ".so"), image);
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
        device.chooseKernels(TensorCoreCases.VERSIONS);
        TensorCoreCases.few().forEach(run -> run.on(device));
      }
    } finally {
      DoubleControls.CUDA.record("");
    }
    return record;
  }

  private static void everyVersion(DType real, SpreadDevice device, GpuDevice cuda) {
    List<OpRun> cases = Replay.cases(real);
    assertEquals(
        Replay.kinds(real),
        cases.stream().map(run -> run.op().getClass()).collect(Collectors.toSet()));
    for (OpRun run : cases) {
      for (Map<String, Integer> versions : GpuCases.versions(run.op(), cuda)) {
        device.chooseKernels(versions);
        run.on(device);
      }
    }
  }
}
