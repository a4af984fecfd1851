package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.OpTimings;
import dev.anneal.gpu.Course;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.SmallStep;
import dev.anneal.plan.Op;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Whole training steps: the first run goes op by op, all others are launches of one graph. */
class CudaProgramTest {
  @Test
  void trainsAsTheCpuDoesAndWithTheSameBitsAgain() {
    try (Device cuda = CudaDouble.open();
        Device cpu = Course.cpu()) {
      Course expected = Course.on(cpu);
      assertTrue(expected.losses().getLast() < expected.losses().getFirst(), "the loss falls");
      Course first = Course.on(cuda);
      first.assertNear(expected);
      Course again = Course.on(cuda);
      assertEquals(first.losses(), again.losses());
      for (int p = 0; p < first.parameters().size(); p++) {
        assertArrayEquals(first.parameters().get(p), again.parameters().get(p));
      }
      Map<String, Integer> plain =
          cuda.kernels().stream().collect(Collectors.toMap(KernelFamily::name, k -> 1));
      cuda.chooseKernels(plain);
      assertEquals(plain, cuda.kernelVersions());
      Course.on(cuda).assertNear(expected);
    }
  }

  @Test
  void timesOpsAndTakesGraphRunsForTheSame() {
    try (Device device = CudaDouble.open();
        SmallStep step = new SmallStep(device)) {
      step.run();
      OpTimings one = step.program().timings();
      assertEquals(1, one.runs());
      assertEquals(step.plan().ops().size(), one.nanos().length);
      assertTrue(one.byKind().get(Op.MatmulForward.class.getSimpleName()) > 0);
      step.run();
      step.run();
      assertEquals(3 * one.totalNanos(), step.program().timings().totalNanos());
      step.program().resetTimings();
      assertEquals(0, step.program().timings().totalNanos());
    }
  }

  @Test
  void allocatesWhatItSaidAndNothingAfterTheFirstRun() throws Throwable {
    CudaDouble.build();
    try (Device device = CudaDouble.open()) {
      long before = DoubleControls.CUDA.allocated();
      try (SmallStep step = new SmallStep(device)) {
        long own = DoubleControls.CUDA.allocated() - before;
        assertEquals(step.bytes() + device.workspaceBytes(step.plan()), own);
        step.run();
        step.run();
        assertEquals(own, DoubleControls.CUDA.allocated() - before);
      }
      assertEquals(before, DoubleControls.CUDA.allocated());
    }
  }

  @Test
  void asksTheDriverThreeThingsForARunAndThreeForACopy() throws Throwable {
    try (Device device = CudaDouble.open();
        SmallStep step = new SmallStep(device)) {
      step.run();
      step.run();
      long before = DoubleControls.CUDA.calls();
      step.run();
      // A trainer copies its inputs, the loss and the norm: 12 in all, below 20.
      assertEquals(3 + 3, DoubleControls.CUDA.calls() - before);
    }
  }
}
