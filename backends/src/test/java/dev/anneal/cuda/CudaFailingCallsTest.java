package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.FailingCalls;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The driver, cuBLASLt and cuDNN answer errors: nothing is hidden, and nothing hangs. */
@ResourceLock("double of CUDA")
class CudaFailingCallsTest {
  /** What these say is of no use to anyone: something is given back. */
  private static final Set<String> RELEASES =
      Set.of(
          "cuMemFree_v2",
          "cuModuleUnload",
          "cuStreamDestroy_v2",
          "cuEventDestroy_v2",
          "cuGraphDestroy",
          "cuGraphExecDestroy",
          "cuDevicePrimaryCtxRelease_v2",
          "cublasLtDestroy",
          "cublasLtMatmulPreferenceDestroy",
          "cudnnDestroy",
          "cudnnBackendDestroyDescriptor");

  private static Device open() {
    CudaBackend backend = new CudaBackend();
    return switch (backend.probe()) {
      case Availability.Available available ->
          backend.open(available.devices().getFirst(), DeviceOptions.defaults());
      case Availability.Missing(String reason) -> throw new Failure(ExitCode.BACKEND, reason);
    };
  }

  private static void attention(Device device) {
    Tensor qkv = tensor("qkv", 1, 9, 48);
    Tensor out = tensor("out", 1, 9, 16);
    Tensor lse = tensor("lse", 1, 2, 9);
    new OpRun(List.of(new Op.AttentionForward(out, lse, qkv, 2)), 1)
        .stored(Precision.BF16)
        .on(device);
  }

  private static Tensor tensor(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  @Test
  void whatTheDriverOrCublasLtAnswersIsSaid() throws Throwable {
    CudaDouble.build();
    List<FailingCalls.End> ends =
        FailingCalls.each(DoubleControls.CUDA, CudaFailingCallsTest::open, FailingCalls::product);
    FailingCalls.assertNothingLeaks(ends, "cuMemFree_v2");
    assertTrue(ends.size() > 50, ends.size() + "");
    for (FailingCalls.End end : ends) {
      if (RELEASES.contains(end.call())) {
        assertTrue(end.failure().isEmpty(), end::toString);
      } else if (end.failure().isEmpty()) {
        // Own kernels do what it would, and that is said.
        assertTrue(end.call().matches("(cublasLt|cudnn).*"), end::toString);
        assertEquals(1, end.notes().size(), end::toString);
        assertTrue(end.notes().getFirst().contains("status 719"), end::toString);
      } else {
        FailingCalls.assertSaid(end);
      }
    }
  }

  /** Whatever cuDNN says, attention is done by own kernels then. */
  @Test
  void cudnnsAnswersLeadToOwnKernels() throws Throwable {
    CudaDouble.build();
    List<FailingCalls.End> ends =
        FailingCalls.each(
            DoubleControls.CUDA, CudaFailingCallsTest::open, CudaFailingCallsTest::attention);
    FailingCalls.assertNothingLeaks(ends, "cuMemFree_v2");
    int noted = 0;
    for (FailingCalls.End end : ends) {
      if (end.call().startsWith("cudnn") && !RELEASES.contains(end.call())) {
        if (end.call().equals("cudnnBackendExecute")) {
          FailingCalls.assertSaid(end);
        } else {
          assertTrue(end.failure().isEmpty(), end::toString);
          noted += end.notes().size();
        }
      }
    }
    assertTrue(noted >= 7, "notes: " + noted);
  }
}
