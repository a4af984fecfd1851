package dev.anneal.cuda;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.gpu.TestDouble;
import java.nio.file.Path;
import java.util.List;

/** The test double as the CUDA backend finds it. */
final class CudaDouble {
  private CudaDouble() {}

  /** The folder that has libcuda.so.1 after {@link #build}. */
  static Path directory() {
    return TestDouble.directory();
  }

  /** Builds the libraries when they are older than their sources; skips the test without g++. */
  static void build() {
    TestDouble.build();
  }

  /** The first device of the double, with the kernels' last versions. */
  static Device open() {
    return open(DeviceOptions.defaults());
  }

  static Device open(DeviceOptions options) {
    build();
    CudaBackend backend = new CudaBackend();
    return switch (backend.probe()) {
      case Availability.Available available ->
          backend.open(available.devices().getFirst(), options);
      case Availability.Missing(String reason) -> throw new IllegalStateException(reason);
    };
  }

  /** Runs a program; its output when it fails, nothing when it does not. */
  static List<String> run(Path directory, String... command) {
    return TestDouble.run(directory, command);
  }
}
