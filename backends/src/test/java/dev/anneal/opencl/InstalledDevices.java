package dev.anneal.opencl;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.anneal.device.Availability;
import dev.anneal.device.DeviceInfo;
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
}
