package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.FailingCalls;
import dev.anneal.gpu.TestDouble;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The runtime and hipBLASLt answer errors: nothing is hidden, and nothing hangs. */
@ResourceLock("double of HIP")
class HipFailingCallsTest {
  /** What these say is of no use to anyone: something is given back. */
  private static final Set<String> RELEASES =
      Set.of(
          "hipFree",
          "hipModuleUnload",
          "hipStreamDestroy",
          "hipEventDestroy",
          "hipGraphDestroy",
          "hipGraphExecDestroy",
          "hipblasLtMatmulPreferenceDestroy");

  private static Device open() {
    HipBackend backend = new HipBackend();
    return switch (backend.probe()) {
      case Availability.Available available ->
          backend.open(available.devices().get(1), DeviceOptions.defaults());
      case Availability.Missing(String reason) -> throw new Failure(ExitCode.BACKEND, reason);
    };
  }

  @Test
  void whatTheRuntimeOrHipBlasLtAnswersIsSaid() throws Throwable {
    TestDouble.build();
    List<FailingCalls.End> ends =
        FailingCalls.each(DoubleControls.HIP, HipFailingCallsTest::open, FailingCalls::product);
    FailingCalls.assertNothingLeaks(ends, "hipFree");
    assertTrue(ends.size() > 40, ends.size() + "");
    for (FailingCalls.End end : ends) {
      if (RELEASES.contains(end.call())) {
        assertTrue(end.failure().isEmpty(), end::toString);
      } else if (end.failure().isEmpty()) {
        // Own kernels do what it would, and that is said.
        assertTrue(end.call().startsWith("hipblasLt"), end::toString);
        assertEquals(1, end.notes().size(), end::toString);
        assertTrue(end.notes().getFirst().contains("status 719"), end::toString);
      } else {
        FailingCalls.assertSaid(end);
      }
    }
  }
}
