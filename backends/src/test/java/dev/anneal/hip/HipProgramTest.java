package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.gpu.Course;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.SmallStep;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole training steps, as graphs, at both waves. */
@ResourceLock("double of HIP")
class HipProgramTest {

  @ParameterizedTest
  @ValueSource(ints = {64, 32})
  void trainsAsTheCpuDoesAndWithTheSameBitsAgain(int wave) {
    try (Device hip = HipDouble.open(wave);
        Device cpu = Course.cpu()) {
      Course first = Course.on(hip);
      first.assertNear(Course.on(cpu));
      Course again = Course.on(hip);
      assertEquals(first.losses(), again.losses());
      for (int p = 0; p < first.parameters().size(); p++) {
        assertArrayEquals(first.parameters().get(p), again.parameters().get(p));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {64, 32})
  void allocatesWhatItSaidAndFreesIt(int wave) throws Throwable {
    try (Device device = HipDouble.open(wave)) {
      long before = DoubleControls.HIP.allocated();
      try (SmallStep step = new SmallStep(device)) {
        long own = DoubleControls.HIP.allocated() - before;
        assertEquals(step.bytes() + device.workspaceBytes(step.plan()), own);
        step.run();
        step.run();
        assertEquals(own, DoubleControls.HIP.allocated() - before);
      }
      assertEquals(before, DoubleControls.HIP.allocated());
    }
  }
}
