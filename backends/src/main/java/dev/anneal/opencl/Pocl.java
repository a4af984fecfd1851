package dev.anneal.opencl;

import dev.anneal.gpu.LibraryLocator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** PoCL, which is OpenCL on the CPU, and has no device when it cannot keep what it compiles. */
final class Pocl {
  static final String PLATFORM = "Portable Computing Language";

  private Pocl() {}

  /** Why it has no device, in words, and what to do. */
  static String whyEmpty(Map<String, String> environment) {
    Path cache = cache(environment);
    return canBeMade(cache)
        ? "PoCL is there and says nothing more; POCL_DEBUG=error has it say why"
        : "PoCL cannot write its cache "
            + cache
            + "; set POCL_CACHE_DIR to a folder that it can write to";
  }

  /** As PoCL looks for it. */
  private static Path cache(Map<String, String> environment) {
    return LibraryLocator.value(environment, "POCL_CACHE_DIR")
        .map(Path::of)
        .or(() -> LibraryLocator.value(environment, "XDG_CACHE_HOME").map(x -> Path.of(x, "pocl")))
        .or(() -> LibraryLocator.value(environment, "HOME").map(x -> Path.of(x, ".cache/pocl")))
        .orElse(Path.of("/tmp/pocl"));
  }

  private static boolean canBeMade(Path folder) {
    Path there = folder.toAbsolutePath();
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
    }
    // Root may write to /proc, says the system, and yet nothing can be made there.
    return there != null
        && Files.isDirectory(there)
        && Files.isWritable(there)
        && !there.startsWith("/proc")
        && !there.startsWith("/sys");
  }
}
