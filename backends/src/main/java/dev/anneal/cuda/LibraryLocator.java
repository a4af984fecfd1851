package dev.anneal.cuda;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds CUDA's libraries: by the loader's own path first, then in a toolkit, then in the {@code
 * nvidia} folder of a Python environment, where pip puts them.
 */
final class LibraryLocator {
  private final List<Path> folders;

  LibraryLocator(List<Path> folders) {
    this.folders = List.copyOf(folders);
  }

  /** Searches where {@code environment} points to: CUDA_HOME, VIRTUAL_ENV and the like. */
  static LibraryLocator of(Map<String, String> environment) {
    List<Path> folders = new ArrayList<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      value(environment, variable).ifPresent(home -> addToolkit(folders, Path.of(home)));
    }
    for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      value(environment, variable).ifPresent(home -> addPython(folders, Path.of(home, "lib")));
    }
    addToolkit(folders, Path.of("/usr/local/cuda"));
    value(environment, "HOME").ifPresent(home -> addPython(folders, Path.of(home, ".local/lib")));
    addPython(folders, Path.of("/usr/local/lib"));
    addPython(folders, Path.of("/usr/lib"));
    return new LibraryLocator(folders);
  }

  private static Optional<String> value(Map<String, String> environment, String variable) {
    return Optional.ofNullable(environment.get(variable)).filter(value -> !value.isBlank());
  }

  private static void addToolkit(List<Path> folders, Path home) {
    folders.add(home.resolve("lib64"));
    folders.add(home.resolve("targets/x86_64-linux/lib"));
  }

  /** Adds lib/python3.x/site-packages/nvidia/y/lib for every x and y. */
  private static void addPython(List<Path> folders, Path lib) {
    for (Path python : children(lib, "python3*")) {
      for (String packages : List.of("site-packages", "dist-packages")) {
        for (Path component : children(python.resolve(packages).resolve("nvidia"), "*")) {
          folders.add(component.resolve("lib"));
        }
      }
    }
  }

  private static List<Path> children(Path folder, String glob) {
    List<Path> children = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
        stream.forEach(children::add);
      } catch (IOException e) {
        return List.of(); // What cannot be read has no library for us.
      }
    }
    children.sort(null);
    return children;
  }

  /** The folders that are searched beside the loader's own. */
  List<Path> folders() {
    return folders;
  }

  /** The first of the library's sonames that is anywhere; a newer one in any place comes first. */
  Optional<SharedLibrary> find(CudaLibrary library) {
    String needed =
        switch (library) {
          case NVRTC -> "libnvrtc-builtins.so*";
          case CUBLAS_LT -> "libnvJitLink.so*";
          case DRIVER -> "";
        };
    return find(library.sonames(), needed);
  }

  /**
   * The first of {@code sonames} that is anywhere.
   *
   * @param needed which libraries beside it to load before, since it has no path to find them by
   */
  Optional<SharedLibrary> find(List<String> sonames, String needed) {
    for (String soname : sonames) {
      Optional<SharedLibrary> found =
          open(soname).map(symbols -> new SharedLibrary(soname, loaded(soname), symbols));
      if (found.isPresent()) {
        return found;
      }
      for (Path folder : folders) {
        Path file = folder.resolve(soname);
        if (Files.isRegularFile(file)) {
          if (!needed.isEmpty()) {
            children(folder, needed).forEach(other -> open(other.toString()));
          }
          Optional<SymbolLookup> symbols = open(file.toString());
          if (symbols.isPresent()) {
            return Optional.of(new SharedLibrary(soname, file.toString(), symbols.get()));
          }
        }
      }
    }
    return Optional.empty();
  }

  /** Where to look, in one line, for messages. */
  String searched() {
    return "the loader's path, CUDA_HOME, /usr/local/cuda and Python environments";
  }

  private static Optional<SymbolLookup> open(String name) {
    try {
      return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // There is none of this name, or it is for another machine.
    }
  }

  /** The file that the loader took for {@code soname}. */
  private static String loaded(String soname) {
    String version = soname.substring(0, soname.indexOf(".so") + 3);
    try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .map(line -> line.substring(line.indexOf('/') < 0 ? line.length() : line.indexOf('/')))
          .filter(path -> path.contains("/" + version))
          .findFirst()
          .orElse(soname);
    } catch (IOException e) {
      return soname;
    }
  }
}
