package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.SpreadDevice;
import dev.anneal.gpu.TensorCoreCases;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Tensor;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ops in bf16 whose kernels are for tensor cores, on the test double, at shapes around tiles. */
@ResourceLock("double of CUDA")
class TensorCoresTest {
  private static SpreadDevice device;

  @BeforeAll
  static void open() {
    device = new SpreadDevice((GpuDevice) CudaDouble.open());
    device.chooseKernels(TensorCoreCases.VERSIONS);
  }

  @AfterAll
  static void close() {
    if (device != null) {
      device.close();
    }
  }

  static Stream<OpRun> cases() {
    return TensorCoreCases.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void matchesTheReferenceAndItself(OpRun run) {
    Map<Tensor, float[]> actual = run.on(device);
    assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), actual));
    Map<Tensor, float[]> again = run.on(device);
    for (Tensor tensor : run.results()) {
      assertArrayEquals(actual.get(tensor), again.get(tensor), tensor::toString);
    }
  }
}
