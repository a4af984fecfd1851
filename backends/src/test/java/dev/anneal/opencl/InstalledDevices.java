package dev.anneal.opencl;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.anneal.device.Availability;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import java.util.List;

/** The OpenCL devices of this machine, for tests that want one. */
final class InstalledDevices {
  private InstalledDevices() {}

  /** All of them; skips the test, and says why, when there are none. */
  static List<DeviceInfo> all() {
    return switch (new OpenClBackend().probe()) {
      case Availability.Available(List<DeviceInfo> devices) -> devices;
      case Availability.Missing(String reason) -> abort("no OpenCL device: " + reason);
    };
  }

  static DeviceHandle handle(DeviceInfo info) {
    if (Platforms.search() instanceof Platforms.Found(List<DeviceHandle> handles)) {
      return handles.get(info.index());
    }
    throw new IllegalStateException("the devices went away");
  }

  /** Opens one that builds kernels as they are written. */
  static OpenClDevice plainly(DeviceInfo info) {
    return new OpenClDevice(
        info, handle(info).building("-cl-opt-disable"), DeviceOptions.defaults());
  }
}
