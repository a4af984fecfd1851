package dev.anneal.cuda;

import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * NVIDIA's libraries that this backend can use, by soname, newest first. Nothing but the driver is
 * strictly needed.
 */
enum CudaLibrary {
  DRIVER("", "libcuda.so.1"),
  NVRTC("libnvrtc-builtins.so*", "libnvrtc.so.13", "libnvrtc.so.12"),
  CUBLAS_LT("libnvJitLink.so*", "libcublasLt.so.13", "libcublasLt.so.12"),
  CUDNN("libcudnn_{graph,ops,engines,heuristic}*.so.9", "libcudnn.so.9");

  private final String needed;
  private final List<String> sonames;

  CudaLibrary(String needed, String... sonames) {
    this.needed = needed;
    this.sonames = List.of(sonames);
  }

  List<String> sonames() {
    return sonames;
  }

  /** As messages name it, e.g. {@code libnvrtc.so.13 or libnvrtc.so.12}. */
  String description() {
    return String.join(" or ", sonames);
  }

  Optional<SharedLibrary> find(LibraryLocator locator) {
    return locator.find(sonames, needed);
  }

  /**
   * Searches where {@code environment} points to: a toolkit, then the {@code nvidia} folder of a
   * Python environment, where pip puts libraries.
   */
  static LibraryLocator locator(Map<String, String> environment) {
    List<Path> folders = new ArrayList<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      LibraryLocator.value(environment, variable)
          .ifPresent(home -> addToolkit(folders, Path.of(home)));
    }
    addToolkit(folders, Path.of("/usr/local/cuda"));
    for (Path packages : LibraryLocator.pythonPackages(environment)) {
      for (Path component : LibraryLocator.children(packages.resolve("nvidia"), "*")) {
        folders.add(component.resolve("lib"));
      }
    }
    return new LibraryLocator(
        folders, "the loader's path, CUDA_HOME, /usr/local/cuda and Python environments");
  }

  private static void addToolkit(List<Path> folders, Path home) {
    folders.add(home.resolve("lib64"));
    folders.add(home.resolve("targets/x86_64-linux/lib"));
  }
}
