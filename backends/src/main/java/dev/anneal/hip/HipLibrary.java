package dev.anneal.hip;

import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * AMD's libraries that this backend can use, by soname: ROCm 7's first, then 6's and 5's, then the
 * name that PyTorch's wheels have. Nothing but the runtime and a compiler is strictly needed.
 */
enum HipLibrary {
  RUNTIME(
      "libamd_comgr.so*",
      "libamdhip64.so.7",
      "libamdhip64.so.6",
      "libamdhip64.so.5",
      "libamdhip64.so"),
  COMPILER(
      "libhiprtc-builtins.so*",
      "libhiprtc.so.7",
      "libhiprtc.so.6",
      "libhiprtc.so.5",
      "libhiprtc.so"),
  BLAS_LT("", "libhipblaslt.so.1", "libhipblaslt.so.0", "libhipblaslt.so"),
  COLLECTIVES("", "librccl.so.1", "librccl.so");

  private final String needed;
  private final List<String> sonames;

  HipLibrary(String needed, String... sonames) {
    this.needed = needed;
    this.sonames = List.of(sonames);
  }

  List<String> sonames() {
    return sonames;
  }

  /** As messages name it, e.g. {@code libamdhip64.so.7 or an older libamdhip64.so}. */
  String description() {
    return sonames.getFirst()
        + " or an older "
        + sonames.getFirst().substring(0, sonames.getFirst().lastIndexOf('.'));
  }

  Optional<SharedLibrary> find(LibraryLocator locator) {
    return locator.find(sonames, needed);
  }

  /**
   * Searches where {@code environment} points to: ROCm's folder, its usual place, then Python
   * environments, where ROCm's own wheels and PyTorch's bring libraries.
   */
  static LibraryLocator locator(Map<String, String> environment) {
    List<Path> folders = new ArrayList<>();
    for (String variable : List.of("ROCM_PATH", "HIP_PATH")) {
      LibraryLocator.value(environment, variable)
          .ifPresent(home -> addToolkit(folders, Path.of(home)));
    }
    addToolkit(folders, Path.of("/opt/rocm"));
    for (Path packages : LibraryLocator.pythonPackages(environment)) {
      for (Path component : LibraryLocator.children(packages, "_rocm_sdk_*")) {
        folders.add(component.resolve("lib"));
      }
      folders.add(packages.resolve("torch/lib"));
    }
    return new LibraryLocator(
        folders, "the loader's path, ROCM_PATH, /opt/rocm and Python environments");
  }

  private static void addToolkit(List<Path> folders, Path home) {
    folders.add(home.resolve("lib"));
    folders.add(home.resolve("lib64"));
  }
}
