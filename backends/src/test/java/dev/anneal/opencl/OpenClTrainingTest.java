package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Whole training steps of a small GPT-2, beside the CPU's. */
@ResourceLock("OpenCL")
class OpenClTrainingTest {
  private static final int STEPS = 100;

  private static TrainingStep step(Device device) {
    return new TrainingStep(device, 2, 17, 2, 1, 64, 61, 64);
  }

  private static float[] losses(Device device) {
    float[] losses = new float[STEPS];
    try (TrainingStep step = step(device)) {
      for (int i = 0; i < STEPS; i++) {
        step.program().run();
        losses[i] = step.loss();
      }
    }
    return losses;
  }

  @Test
  void hundredStepsStayWithTheCpu() {
    List<DeviceInfo> devices = InstalledDevices.all();
    DeviceInfo cpuInfo = ((Availability.Available) new CpuBackend().probe()).devices().getFirst();
    float[] expected;
    try (Device cpu = new CpuBackend().open(cpuInfo, DeviceOptions.threads(1))) {
      expected = losses(cpu);
    }
    assertTrue(expected[STEPS - 1] < 0.9 * expected[0], "it learns: " + expected[STEPS - 1]);
    for (DeviceInfo info : devices) {
      try (Device device = new OpenClBackend().open(info, DeviceOptions.defaults())) {
        float[] actual = losses(device);
        for (int i = 0; i < STEPS; i++) {
          assertEquals(expected[i], actual[i], 1e-3, info.name() + " at step " + i);
        }
      }
    }
  }
}
