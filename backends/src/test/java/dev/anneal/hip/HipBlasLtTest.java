package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.SpreadDevice;
import dev.anneal.gpu.TensorCoreCases;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Products by hipBLASLt's double, which has no algorithm where A and B are of another format than
 * the result.
 */
@ResourceLock("double of HIP")
class HipBlasLtTest {
  @ParameterizedTest
  @ValueSource(strings = {"gfx942", "gfx1201"})
  void ownKernelsDoWhatTheLibraryDoesNotAndItIsSaidOnce(String architecture) {
    List<OpRun> products =
        TensorCoreCases.few().filter(run -> !(run.op() instanceof Op.AttentionForward)).toList();
    GpuDevice device = (GpuDevice) HipDouble.open(architecture);
    try (SpreadDevice spread = new SpreadDevice(device)) {
      int last = device.kernelVersions().get("matmul_forward");
      assertTrue(
          device.kernels().stream()
              .filter(family -> family.name().equals("matmul_forward"))
              .allMatch(family -> family.ideas().get(last - 1).equals("hipBLASLt 1.0.1")));
      assertEquals(List.of(), device.notes());
      for (OpRun run : products) {
        assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(spread)));
      }
      assertEquals(
          List.of(
              "hipBLASLt 1.0.1 has no algorithm for a product of (72, 72) and (72, 72)"
                  + " from BF16 to F32, so own kernels do it"),
          device.notes());
    }
  }
}
