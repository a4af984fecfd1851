package dev.anneal.hip;

import dev.anneal.gpu.CompilerLibrary;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.KernelFiles;
import dev.anneal.gpu.KernelImages;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.Replay;
import dev.anneal.gpu.SpreadDevice;
import dev.anneal.gpu.TensorCoreCases;
import dev.anneal.gpu.TestDouble;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Launches of the kernels' last versions again, with AMD's waves and local memory, looking for
 * reads and writes beyond a tensor. The plain versions know neither and are looked at as CUDA's.
 */
@ResourceLock("double of HIP")
class HipSanitizersTest {
  @TempDir private Path folder;

  @Test
  void noKernelReachesBeyondItsTensorsAtWave64() throws Throwable {
    replay("gfx942", DType.F32, KernelFiles.PORTABLE, Replay.cases(DType.F32), Map.of());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gfx942", "gfx1201"})
  void matrixUnitsDoNotReachBeyondTheirTensors(String architecture) throws Throwable {
    replay(
        architecture,
        DType.BF16,
        KernelFiles.TENSOR_CORES,
        TensorCoreCases.few().toList(),
        TensorCoreCases.VERSIONS);
  }

  @Test
  void laterVersionsDoNotReachBeyondTheirTensors() throws Throwable {
    replay(
        "gfx942",
        DType.BF16,
        Stream.concat(KernelFiles.CDNA.stream(), Stream.of(KernelFiles.DEEP)).toList(),
        TensorCoreCases.fewLater().toList(),
        Stream.of(TensorCoreCases.LATER_ATTENTION, TensorCoreCases.LATER_PRODUCTS)
            .flatMap(versions -> versions.entrySet().stream())
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
  }

  /** At this wave what differs from CUDA is local memory, and so attention's tiles. */
  @Test
  void attentionDoesNotReachBeyondItsTensorsAtWave32() throws Throwable {
    replay(
        "gfx1100",
        DType.F32,
        List.of("attention.cu"),
        Replay.cases(DType.F32).stream()
            .filter(
                run ->
                    run.ops().stream()
                        .allMatch(
                            op ->
                                op instanceof Op.AttentionForward
                                    || op instanceof Op.AttentionBackward))
            .toList(),
        Map.of());
  }

  private void replay(
      String name, DType real, List<String> files, List<OpRun> cases, Map<String, Integer> versions)
      throws Throwable {
    TestDouble.build();
    Path record = folder.resolve("launches");
    Architecture architecture = new Architecture(name);
    try (SpreadDevice device = new SpreadDevice((GpuDevice) HipDouble.open(name))) {
      device.chooseKernels(versions);
      DoubleControls.HIP.record(record.toString());
      cases.forEach(run -> run.on(device));
    } finally {
      DoubleControls.HIP.record("");
    }
    CompilerLibrary hiprtc = HipCompiler.find(HipLibrary.locator(System.getenv())).orElseThrow();
    List<String> options =
        Stream.of(
                HipCompiler.options(architecture, architecture.wave()),
                Replay.BOUNDS.options(),
                KernelImages.definitions(real))
            .flatMap(List::stream)
            .toList();
    List<Path> modules =
        files.parallelStream()
            .map(
                file -> {
                  KernelSource source = KernelSource.of(file, HipCompiler.FOLDERS);
                  return write(file, hiprtc.compile(source, options, HipCompiler.CODE, name));
                })
            .toList();
    Replay.BOUNDS.check(record, modules);
  }

  private Path write(String file, byte[] image) {
    try {
      return Files.write(folder.resolve(file + ".so"), image);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
