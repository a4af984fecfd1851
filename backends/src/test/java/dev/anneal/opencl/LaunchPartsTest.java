package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.launch.Grid;
import dev.anneal.launch.KernelFile;
import dev.anneal.launch.Launch;
import dev.anneal.launch.Work;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_command_queue;
import org.jocl.cl_kernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Launches that would take too long, and what timings cost. */
@ResourceLock("OpenCL")
class LaunchPartsTest {
  /** One on which everything takes longer than it may. */
  private static final Pace SLOW = new Pace(1000, 1000, 0.1);

  @Test
  void everyWorkGroupIsInExactlyOnePart() {
    for (Grid grid :
        List.of(
            Grid.groups(3, 5, 16, 16), Grid.groups(7, 1, 256, 1), Grid.groups(10, 70_001, 64, 1))) {
      for (long count : new long[] {1, 2, 3, 5, 1000}) {
        List<Part> parts = Part.of(grid, count);
        long groups = grid.x() * grid.y();
        assertTrue(parts.size() >= Math.min(count, groups) || parts.size() > count / 2, grid + "");
        long items = 0;
        Set<List<Long>> corners = new HashSet<>();
        for (Part part : parts) {
          assertEquals(0, part.column() % grid.width());
          assertEquals(0, part.row() % grid.height());
          assertEquals(0, part.columns() % grid.width());
          assertEquals(0, part.rows() % grid.height());
          assertTrue(part.rows() / grid.height() <= 65535, part + "");
          assertTrue(part.column() + part.columns() <= grid.columns());
          assertTrue(part.row() + part.rows() <= grid.rows());
          assertTrue(corners.add(List.of(part.column(), part.row())));
          items += part.columns() * part.rows();
        }
        assertEquals(grid.columns() * grid.rows(), items);
      }
    }
  }

  /** 0.25 s is what an integrated GPU would need for a part at worst. */
  @Test
  void aClassifierOnASmallGpuIsCutAndNothingIsOnACpu() {
    DeviceLimits small =
        new DeviceLimits(
            "small", "", "", "", false, 24, 1200, 256, 1 << 16, 1 << 30, 1 << 30, false);
    Work logits = new Work(2L * 4096 * 50304 * 768, 4L * (4096 + 768) * 50304);
    Pace pace = Pace.of(small);
    assertTrue(pace.parts(pace.seconds(logits)) >= 20, pace + "");
    assertEquals(1, pace.parts(pace.seconds(new Work(2L * 256 * 768 * 768, 1 << 22))));
    DeviceLimits cpu =
        new DeviceLimits("cpu", "", "", "", true, 2, 2600, 4096, 1 << 20, 1 << 30, 1 << 30, true);
    assertEquals(1, Pace.of(cpu).parts(Pace.of(cpu).seconds(logits)));
  }

  @Test
  void everyVersionOfEveryKernelHasTheSameBitsInParts() {
    try (OpenClDevice whole = FirstDevice.here().plainly().asGpu().open();
        OpenClDevice parts = FirstDevice.here().plainly().asGpu().with(SLOW).open()) {
      OpCases.small()
          .filter(run -> !(run.op() instanceof Op.EightBit))
          .forEach(
              run -> {
                for (Map<String, Integer> versions : OpenClVersions.ALL.of(run.op(), whole)) {
                  whole.chooseKernels(versions);
                  parts.chooseKernels(versions);
                  same(run, run.on(whole), run.on(parts), versions + " " + run);
                }
              });
    }
  }

  private static void same(
      OpRun run, Map<Tensor, float[]> some, Map<Tensor, float[]> others, String what) {
    for (Tensor tensor : run.results()) {
      assertArrayEquals(some.get(tensor), others.get(tensor), what);
    }
  }

  @Test
  void aStepInPartsHasTheSameLoss() {
    float[] losses = new float[2];
    int[] launches = new int[2];
    for (int i = 0; i < 2; i++) {
      FirstDevice first = FirstDevice.here().plainly().asGpu();
      try (OpenClDevice device = (i == 0 ? first : first.with(SLOW)).open();
          TrainingStep step = new TrainingStep(device, 2, 70, 1, 2, 64, 61, 64)) {
        step.program().run();
        step.program().run();
        losses[i] = step.loss();
        launches[i] = ((OpenClProgram) step.program()).launches();
      }
    }
    assertEquals(losses[0], losses[1]);
    assertTrue(launches[1] > 3 * launches[0], launches[0] + " and " + launches[1]);
  }

  @Test
  void whatWasMeasuredToTakeTooLongIsCutFurther() {
    LaunchParts launches = new LaunchParts(new Pace(1e9, 1e9, 0.1));
    for (long flops : new long[] {1000, 200_000_000}) {
      Launch launch = Launch.of(KernelFile.of("elementwise"), "fill_v1", Grid.groups(64, 1, 64, 1));
      launches.add(0, new cl_kernel(), launch.with(new Work(flops, 0)));
    }
    assertEquals(3, launches.all().size());
    launches.measured(new long[] {1_000_000, 1_000_000, 1_000_000});
    assertEquals(3, launches.all().size());
    launches.measured(new long[] {1_000_000, 390_000_000, 1_000_000});
    assertEquals(1 + 8, launches.all().size());
    launches.measured(new long[9]);
    assertEquals(9, launches.all().size());
  }

  /** Times cost some devices a tenth, so that the queue of most runs does not take any. */
  @Test
  void onlyRunsThatAreTimedHaveAQueueThatTimes() {
    try (OpenClDevice device = FirstDevice.here().plainly().open();
        TrainingStep step = new TrainingStep(device, 1, 8, 1, 1, 64, 30, 32)) {
      assertEquals(0, properties(device.queue()) & CL.CL_QUEUE_PROFILING_ENABLE);
      OpenClProgram program = (OpenClProgram) step.program();
      program.run();
      assertFalse(program.wasTimed());
      assertFalse(device.hasTimedQueue(), "nobody asked for times");
      assertEquals(0, program.timings().totalNanos());
      program.keepTimings();
      int timed = 0;
      for (int i = 0; i < 70; i++) {
        program.run();
        timed += program.wasTimed() ? 1 : 0;
      }
      assertEquals(3, timed);
      assertTrue(program.timings().totalNanos() > 0);
      long properties = CL.CL_QUEUE_PROFILING_ENABLE;
      assertEquals(properties, properties(device.timedQueue()) & CL.CL_QUEUE_PROFILING_ENABLE);
    }
  }

  /** Where a launch may have taken longer than the device allows, the next run finds out which. */
  @Test
  void aSlowRunOnAWatchedDeviceAsksForTimes() {
    Pace impatient = new Pace(1e15, 1e15, 1e-6);
    try (OpenClDevice device = FirstDevice.here().plainly().with(impatient).open();
        TrainingStep step = new TrainingStep(device, 1, 8, 1, 1, 64, 30, 32)) {
      OpenClProgram program = (OpenClProgram) step.program();
      int before = program.launches();
      program.run();
      assertFalse(program.wasTimed());
      assertEquals(before, program.launches());
      program.run();
      assertTrue(program.wasTimed());
      assertTrue(program.launches() > before, program.launches() + " after " + before);
    }
  }

  private static long properties(cl_command_queue queue) {
    long[] properties = {0};
    CL.clGetCommandQueueInfo(
        queue, CL.CL_QUEUE_PROPERTIES, Sizeof.cl_long, Pointer.to(properties), null);
    return properties[0];
  }
}
