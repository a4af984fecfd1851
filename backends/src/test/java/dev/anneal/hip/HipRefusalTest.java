package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.TensorCoreCases;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpRun;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** A driver that does not take the last versions of the kernels for matrix units. */
@ResourceLock("double of HIP")
class HipRefusalTest {
  /** hipErrorLaunchOutOfResources, of a kernel that is too large. */
  private static final int CODE = 701;

  /** The first launch of all is the trial of attention_forward_64_v4. */
  @Test
  void stepsDownToTheVersionBeforeAndSaysSo() throws Throwable {
    try (Device device = HipDouble.open("gfx942")) {
      OpRun run = TensorCoreCases.fewLater().toList().getFirst();
      int before = device.kernelVersions().get("attention_forward");
      assertEquals(4, before);
      refuse("hipModuleLaunchKernel", () -> assertThrows(Failure.class, () -> run.on(device)));
      assertEquals(3, device.kernelVersions().get("attention_forward"));
      assertEquals(3, device.kernelVersions().get("attention_backward"));
      List<String> notes = device.notes();
      assertEquals(2, notes.size(), notes::toString);
      for (String part :
          List.of(
              "attention_forward_64_v4",
              "hipModuleLaunchKernel",
              "attention_forward runs as v3 in place of v4")) {
        assertTrue(notes.getFirst().contains(part), notes::toString);
      }
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(device)));
      assertEquals(notes, device.notes());
    }
  }

  /** A module that is not loaded is refused, too; whoever asked for the version is told. */
  @Test
  void whatSomebodyChoseIsNotSteppedDownFrom() throws Throwable {
    try (Device device = HipDouble.open("gfx1201")) {
      device.chooseKernels(TensorCoreCases.LATER_PRODUCTS);
      OpRun run = TensorCoreCases.laterProducts().toList().getFirst();
      refuse(
          "hipModuleLoadData",
          () ->
              assertTrue(
                  assertThrows(Failure.class, () -> run.on(device))
                      .getMessage()
                      .contains("hipModuleLoadData")));
      assertEquals(List.of(), device.notes());
      assertEquals(5, device.kernelVersions().get("matmul_forward"));
    }
  }

  private static void refuse(String function, Runnable work) throws Throwable {
    DoubleControls.HIP.fail(function, CODE, 0);
    try {
      work.run();
    } finally {
      DoubleControls.HIP.fail("", 0, 0);
    }
  }
}
