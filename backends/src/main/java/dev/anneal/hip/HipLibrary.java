package dev.anneal.hip;

import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * AMD's libraries that this backend can use, the newest version first, whatever its number is; last
 * the name without a version, which PyTorch's wheels have. Nothing but the runtime and a compiler
 * is strictly needed.
 */
enum HipLibrary {
  RUNTIME("libamdhip64.so", 5, "libamd_comgr.so*"),
  COMPILER("libhiprtc.so", 5, "libhiprtc-builtins.so*"),
  BLAS_LT("libhipblaslt.so", 0, ""),
  COLLECTIVES("librccl.so", 1, "");

  /**
   * The loader's own path cannot be listed, so its versions are tried one by one, so many more than
   * the first. ROCm's runtime is at 7 since 2025.
   */
  private static final int TRIED = 15;

  private final String name;
  private final int first;
  private final String needed;

  /**
   * @param first version that has been
   * @param needed as {@link LibraryLocator#find} wants it
   */
  HipLibrary(String name, int first, String needed) {
    this.name = name;
    this.first = first;
    this.needed = needed;
  }

  /** Newest first. */
  List<String> sonames(LibraryLocator locator) {
    Set<String> sonames = new LinkedHashSet<>();
    Stream.concat(
            locator.versions(name).boxed(), IntStream.rangeClosed(first, first + TRIED).boxed())
        .filter(version -> version >= first)
        .sorted(Comparator.reverseOrder())
        .forEach(version -> sonames.add(name + "." + version));
    sonames.add(name);
    return List.copyOf(sonames);
  }

  /** As messages name it. */
  String description() {
    return name + "." + first + " or a newer one";
  }

  Optional<SharedLibrary> find(LibraryLocator locator) {
    return locator.find(sonames(locator), needed);
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
    // Where ROCm 10 and later are, each version beside the others, and where the earlier ones are.
    LibraryLocator.newest(Path.of("/opt/rocm"), "core*").forEach(home -> addToolkit(folders, home));
    LibraryLocator.newest(Path.of("/opt"), "rocm-*").forEach(home -> addToolkit(folders, home));
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
