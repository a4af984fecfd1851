package dev.anneal.cuda;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.gpu.TestDouble;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

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

  /**
   * The same with a cache of its own, in which is nothing but the kernels that are compiled
   * already.
   */
  static Device open(Path home, DeviceOptions options) {
    build();
    Path own = home.resolve("anneal").resolve("cuda");
    try {
      Files.createDirectories(own);
      try (Stream<Path> all = Files.list(CacheDirectory.ofUser("cuda").directory())) {
        for (Path image : all.filter(CudaDouble::isImage).toList()) {
          Path link = own.resolve(image.getFileName());
          if (!Files.exists(link)) {
            Files.createSymbolicLink(link, image);
          }
        }
      } catch (NoSuchFileException e) {
        // Nothing is compiled yet.
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Map<String, String> environment = new HashMap<>(System.getenv());
    environment.put("XDG_CACHE_HOME", home.toString());
    CudaBackend backend = new CudaBackend(environment);
    return backend.open(((Availability.Available) backend.probe()).devices().getFirst(), options);
  }

  /** Images are named by what they are made of alone. */
  private static boolean isImage(Path file) {
    return file.getFileName().toString().matches("[0-9a-f]{32}");
  }

  /** Runs a program; its output when it fails, nothing when it does not. */
  static List<String> run(Path directory, String... command) {
    return TestDouble.run(directory, command);
  }
}
