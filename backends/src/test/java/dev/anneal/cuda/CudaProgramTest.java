package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.Course;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.KernelImages;
import dev.anneal.gpu.Libraries;
import dev.anneal.gpu.SmallStep;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Whole training steps: the first run goes op by op, all others are launches of one graph. */
@ResourceLock("double of CUDA")
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
  void programsShareTheirScratch() throws Throwable {
    CudaDouble.build();
    try (Device device = CudaDouble.open();
        SmallStep first = new SmallStep(device)) {
      long before = DoubleControls.CUDA.allocated();
      try (SmallStep second = new SmallStep(device)) {
        long own = DoubleControls.CUDA.allocated() - before - second.bytes();
        long both = device.workspaceBytes(List.of(first.plan(), second.plan()));
        assertEquals(both - device.workspaceBytes(first.plan()), own);
        assertTrue(own < device.workspaceBytes(second.plan()) / 2, "of its own: " + own);
        for (int step = 0; step < 3; step++) {
          assertEquals(first.run(), second.run());
        }
      }
      assertEquals(before, DoubleControls.CUDA.allocated());
      first.run();
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
      assertEquals(3 + 3, DoubleControls.CUDA.calls() - before);
    }
  }

  @Test
  void leavesNothingBehindWhenAKernelDoesNotCompile() throws Throwable {
    Tensor ones = new Tensor("ones", DType.F32, Shape.of(3), Arena.INPUTS);
    Plan plan =
        Plan.of(
            "ones",
            List.of(new Op.Fill(ones, 1)),
            List.of(),
            List.of(ArenaLayout.sequential(Arena.INPUTS, List.of(ones))));
    try (Device working = CudaDouble.open()) {
      CUdevice first = new CUdevice();
      JCudaDriver.cuDeviceGet(first, 0);
      KernelImages none =
          (file, real) -> {
            throw Failure.failed(file + " does not compile");
          };
      try (Device broken =
              new GpuDevice(
                  working.info(),
                  new CudaDriver(first, 90),
                  none,
                  Libraries.NONE,
                  DeviceOptions.defaults());
          Memory inputs = broken.allocate(Arena.INPUTS, 64)) {
        long before = DoubleControls.CUDA.allocated();
        Failure failure =
            assertThrows(Failure.class, () -> broken.compile(plan, Map.of(Arena.INPUTS, inputs)));
        assertEquals("fill.cu does not compile", failure.getMessage());
        assertEquals(before, DoubleControls.CUDA.allocated());
      }
    }
  }
}
