package dev.anneal.cuda;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.Libraries;
import dev.anneal.gpu.PlannedDriver;
import dev.anneal.gpu.PlannedLibraries;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An NVIDIA GPU that is not here, with cuBLASLt and cuDNN, as plans for it are made. */
final class PlannedCuda {
  /** Hopper's. */
  static final String USUAL = "sm_90";

  private static final Pattern TARGET = Pattern.compile("sm_(\\d{2,3})");

  /** The first that CUDA 13 compiles for. */
  private static final int FIRST = 75;

  private PlannedCuda() {}

  /**
   * @param target e.g. sm_90
   * @throws Failure when it is no such name
   */
  static Device device(String target) {
    Matcher name = TARGET.matcher(target);
    int capability = name.matches() ? Integer.parseInt(name.group(1)) : 0;
    if (capability < FIRST) {
      throw Failure.usage(
          setting("target")
              + " "
              + target
              + ": expected a GPU of NVIDIA's as nvcc names it, sm_75 or newer, such as sm_90");
    }
    return GpuDevice.planned(
        "cuda",
        new PlannedDriver(
            target, CudaDriver.hardware(capability), CudaDriver.precisions(capability), false),
        new Libraries(
            Optional.of(new PlannedLibraries.Matrices("cuBLASLt", CublasLt.fusesGelu(capability))),
            Optional.of(new PlannedLibraries.Fused("cuDNN")),
            List.of()),
        "planned for, with cuBLASLt and cuDNN");
  }
}
