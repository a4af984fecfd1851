package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.OpTimings;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Whole training steps: the first run goes op by op, all others are launches of one graph. */
class CudaProgramTest {
  private static final int STEPS = 4;

  private record Course(List<Float> losses, List<float[]> parameters) {}

  private static Course course(Device device) {
    try (SmallStep step = new SmallStep(device)) {
      List<Float> losses = IntStream.range(0, STEPS).mapToObj(i -> step.run()).toList();
      return new Course(losses, step.parameters());
    }
  }

  private static Device cpu() {
    CpuBackend backend = new CpuBackend();
    return switch (backend.probe()) {
      case Availability.Available(var devices) ->
          backend.open(devices.getFirst(), DeviceOptions.threads(2));
      case Availability.Missing(String reason) -> throw new IllegalStateException(reason);
    };
  }

  private static void assertNear(Course expected, Course actual) {
    for (int i = 0; i < STEPS; i++) {
      assertEquals(expected.losses().get(i), actual.losses().get(i), 2e-5f, "loss " + i);
    }
    for (int p = 0; p < expected.parameters().size(); p++) {
      float[] e = expected.parameters().get(p);
      float[] a = actual.parameters().get(p);
      double squares = 0;
      double norm = 0;
      for (int i = 0; i < e.length; i++) {
        squares += (a[i] - e[i]) * (a[i] - e[i]);
        norm += e[i] * e[i];
      }
      // The first steps of AdamW divide a gradient by its own size, however small it is.
      assertTrue(Math.sqrt(squares / norm) < 0.02, "parameter " + p + " is off");
    }
  }

  @Test
  void trainsAsTheCpuDoesAndWithTheSameBitsAgain() {
    try (Device cuda = CudaDouble.open();
        Device cpu = cpu()) {
      Course expected = course(cpu);
      assertTrue(expected.losses().getLast() < expected.losses().getFirst(), "the loss falls");
      Course first = course(cuda);
      assertNear(expected, first);
      Course again = course(cuda);
      assertEquals(first.losses(), again.losses());
      for (int p = 0; p < first.parameters().size(); p++) {
        assertArrayEquals(first.parameters().get(p), again.parameters().get(p));
      }
      Map<String, Integer> plain =
          cuda.kernels().stream().collect(Collectors.toMap(KernelFamily::name, k -> 1));
      cuda.chooseKernels(plain);
      assertEquals(plain, cuda.kernelVersions());
      assertNear(expected, course(cuda));
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
      long before = DoubleControls.allocated();
      try (SmallStep step = new SmallStep(device)) {
        long own = DoubleControls.allocated() - before;
        assertEquals(step.bytes() + device.workspaceBytes(step.plan()), own);
        step.run();
        step.run();
        assertEquals(own, DoubleControls.allocated() - before);
      }
      assertEquals(before, DoubleControls.allocated());
    }
  }
}
