package dev.anneal.run;

import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The choice of {@code --backend auto}: a vendor's GPU that opens, else the CPU. OpenCL is never
 * chosen by itself, since what it has may be the CPU once more.
 */
final class AutomaticBackend {
  static final String NAME = "auto";

  private static final List<String> VENDORS = List.of("cuda", "hip");

  /**
   * Device files of the drivers of GPUs. Without any, no library is looked for, which takes time.
   */
  private static final String DRIVERS = "{nvidia*,kfd,dxg}";

  private AutomaticBackend() {}

  static Device open(int index, DeviceOptions options) {
    return open(Path.of("/dev"), Devices.backends(), index, options);
  }

  static Device open(Path devices, List<Backend> backends, int index, DeviceOptions options) {
    if (hasDriver(devices)) {
      for (String vendor : VENDORS) {
        for (Backend backend : backends) {
          if (backend.name().equals(vendor)
              && backend.probe() instanceof Availability.Available found
              && index < found.devices().size()) {
            try {
              return Devices.open(vendor, index, options);
            } catch (Failure e) {
              // One that does not work is none; `backends` tells why.
            }
          }
        }
      }
    }
    return Devices.open("cpu", index, options);
  }

  /** The vendor whose GPU is here; the first one when none is. */
  static String gpu() {
    return VENDORS.stream().filter(Devices::isHere).findFirst().orElse(VENDORS.getFirst());
  }

  private static boolean hasDriver(Path devices) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(devices, DRIVERS)) {
      return files.iterator().hasNext();
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }
}
