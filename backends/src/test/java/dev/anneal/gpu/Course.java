package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import java.util.List;
import java.util.stream.IntStream;

/** What a few training steps come to on a device. */
public record Course(List<Float> losses, List<float[]> parameters) {
  private static final int STEPS = 4;

  public static Course on(Device device) {
    try (SmallStep step = new SmallStep(device)) {
      List<Float> losses = IntStream.range(0, STEPS).mapToObj(i -> step.run()).toList();
      return new Course(losses, step.parameters());
    }
  }

  /** What courses are held against. */
  public static Device cpu() {
    CpuBackend backend = new CpuBackend();
    return switch (backend.probe()) {
      case Availability.Available(var devices) ->
          backend.open(devices.getFirst(), DeviceOptions.threads(2));
      case Availability.Missing(String reason) -> throw new IllegalStateException(reason);
    };
  }

  public void assertNear(Course expected) {
    for (int i = 0; i < STEPS; i++) {
      assertEquals(expected.losses().get(i), losses.get(i), 2e-5f, "loss " + i);
    }
    for (int p = 0; p < expected.parameters().size(); p++) {
      float[] e = expected.parameters().get(p);
      float[] a = parameters.get(p);
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
}
