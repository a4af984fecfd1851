package dev.anneal.hip;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.Libraries;
import dev.anneal.gpu.PlannedDriver;
import dev.anneal.gpu.PlannedLibraries;
import java.util.List;
import java.util.Optional;

/** An AMD GPU that is not here, with hipBLASLt of ROCm 7, as plans for it are made. */
final class PlannedHip {
  /** The MI300X's. */
  static final String USUAL = "gfx942";

  private PlannedHip() {}

  /**
   * @param target e.g. gfx942
   * @throws Failure when it is no such name
   */
  static Device device(String target) {
    if (!Architecture.isName(target)) {
      throw Failure.usage(
          setting("target")
              + " "
              + target
              + ": expected a GPU of AMD's as compilers name it, such as gfx942");
    }
    Architecture architecture = new Architecture(target);
    return GpuDevice.planned(
        "hip",
        new PlannedDriver(
            target,
            HipDriver.hardware(architecture, architecture.wave()),
            HipDriver.precisions(architecture),
            architecture.hasFnuz()),
        new Libraries(
            Optional.of(
                new PlannedLibraries.Matrices("hipBLASLt", HipBlasLt.fusesGelu(architecture))),
            Optional.empty(),
            List.of()),
        "planned for, with hipBLASLt of ROCm 7");
  }
}
