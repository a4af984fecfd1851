package dev.anneal.cuda;

import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * NVIDIA's libraries that this backend can use, by soname, newest first. Nothing but the driver is
 * strictly needed.
 */
enum CudaLibrary {
  DRIVER("", "libcuda.so.1"),
  NVRTC("libnvrtc-builtins.so*", "libnvrtc.so.13", "libnvrtc.so.12"),
  CUBLAS_LT("libnvJitLink.so*", "libcublasLt.so.13", "libcublasLt.so.12"),
  CUDNN("libcudnn_{graph,ops,engines,heuristic}*.so.9", "libcudnn.so.9");

  private static final String TARGET = "targets/x86_64-linux/lib";

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
   * Searches where {@code environment} points to: ANNEAL_CUDA_PATH before all else; toolkits; then
   * Python environments, where conda has libraries of its own and pip an {@code nvidia} folder with
   * one of each component ({@code cudnn}) or of a whole CUDA ({@code cu13}).
   */
  static LibraryLocator locator(Map<String, String> environment) {
    List<Path> named = new ArrayList<>();
    LibraryLocator.value(environment, "ANNEAL_CUDA_PATH")
        .ifPresent(
            path -> {
              named.add(Path.of(path));
              named.add(Path.of(path, "lib"));
              addToolkit(named, Path.of(path));
            });
    Set<Path> folders = new LinkedHashSet<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      LibraryLocator.value(environment, variable)
          .ifPresent(home -> addToolkit(folders, Path.of(home)));
    }
    addToolkit(folders, Path.of("/usr/local/cuda"));
    LibraryLocator.newest(Path.of("/usr/local"), "cuda-*")
        .forEach(home -> addToolkit(folders, home));
    addToolkit(folders, Path.of("/opt/cuda"));
    for (Path home : LibraryLocator.pythonHomes(environment)) {
      folders.add(home.resolve("lib"));
      folders.add(home.resolve(TARGET));
    }
    for (Path packages : LibraryLocator.pythonPackages(environment)) {
      Path nvidia = packages.resolve("nvidia");
      folders.add(nvidia);
      LibraryLocator.newest(nvidia, "cu[0-9]*")
          .forEach(component -> folders.add(component.resolve("lib")));
      LibraryLocator.children(nvidia, "*")
          .forEach(component -> folders.add(component.resolve("lib")));
    }
    return new LibraryLocator(
        named,
        List.copyOf(folders),
        "ANNEAL_CUDA_PATH, the loader's path, CUDA_HOME, /usr/local/cuda and Python environments");
  }

  private static void addToolkit(Collection<Path> folders, Path home) {
    folders.add(home.resolve("lib64"));
    folders.add(home.resolve(TARGET));
  }
}
