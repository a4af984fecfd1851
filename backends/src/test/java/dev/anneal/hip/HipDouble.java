package dev.anneal.hip;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.gpu.TestDouble;
import java.util.List;

/** The test double as the HIP backend finds it: one device of each wave. */
final class HipDouble {
  /** In the order of the double's devices. */
  static final List<Integer> WAVES = List.of(64, 32);

  private HipDouble() {}

  static Device open(int wave) {
    TestDouble.build();
    HipBackend backend = new HipBackend();
    return switch (backend.probe()) {
      case Availability.Available(List<DeviceInfo> devices) ->
          backend.open(devices.get(WAVES.indexOf(wave)), DeviceOptions.defaults());
      case Availability.Missing(String reason) -> throw new IllegalStateException(reason);
    };
  }
}
