package dev.anneal.opencl;

import dev.anneal.gpu.LibrarySearch;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The library that has OpenCL's functions and finds the vendors' drivers, by operating system. */
final class OpenClLoader {
  private OpenClLoader() {}

  /**
   * What it may be called, first choice first: what JOCL loads in turn.
   *
   * @param system as the property {@code os.name} has it
   */
  static List<String> names(String system) {
    String name = system.toLowerCase(Locale.ROOT);
    if (name.startsWith("mac")) {
      // Apple's is not a file any more, but is loaded by this path.
      return List.of("/System/Library/Frameworks/OpenCL.framework/OpenCL");
    }
    return name.startsWith("windows")
        ? List.of("OpenCL.dll")
        : List.of("libOpenCL.so.1", "libOpenCL.so");
  }

  /** The same on this machine. */
  static List<String> names() {
    return names(System.getProperty("os.name", ""));
  }

  /** The first of them, which messages name. */
  static String name() {
    return names().getFirst();
  }

  /** Why none of them loads; empty when one does. */
  static Optional<String> refusal() {
    return names().stream().anyMatch(name -> refusal(name).isEmpty())
        ? Optional.empty()
        : refusal(name()).map(why -> name() + " does not load: " + LibrarySearch.tail(why, name()));
  }

  /** Windows has no function that says why. */
  private static Optional<String> refusal(String library) {
    if (!library.endsWith(".dll")) {
      return LibrarySearch.refusal(library);
    }
    try {
      SymbolLookup.libraryLookup(library, Arena.global());
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("there is none, or it is for another machine");
    }
  }
}
