package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.Failure;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** What a search for a library came to, in words: where it is, or why it is not to be had. */
public record LibrarySearch(LibraryLocator locator) {
  private static final int RTLD_NOW = 2;

  /** Of names that are listed one by one. */
  private static final int MOST_NAMED = 4;

  private static final long LONGEST_MESSAGE = 4096;

  /**
   * Looks for a library.
   *
   * @param sonames newest first, all of one library
   * @param found what {@link LibraryLocator#find} found by these
   * @param version asks the library; a {@link Failure} is why it is of no use
   */
  public LibraryInfo describe(
      List<String> sonames,
      Optional<SharedLibrary> found,
      Function<SharedLibrary, Optional<String>> version) {
    String name = stem(sonames.getFirst());
    if (found.isEmpty()) {
      return new LibraryInfo.Missing(name, whyMissing(sonames), searched());
    }
    SharedLibrary library = found.get();
    try {
      return new LibraryInfo.Found(name, Optional.of(library.path()), version.apply(library));
    } catch (Failure e) {
      return new LibraryInfo.Missing(name, String.valueOf(e.getMessage()), searched());
    }
  }

  /** {@code libnvrtc.so.13} without the version. */
  private static String stem(String soname) {
    int end = soname.indexOf(".so");
    return end < 0 ? soname : soname.substring(0, end);
  }

  private List<String> searched() {
    List<String> places = new ArrayList<>();
    locator.named().forEach(folder -> places.add(place(folder)));
    LoaderPath.given().forEach(folder -> places.add(place(folder)));
    places.add("the loader's path");
    locator.folders().forEach(folder -> places.add(place(folder)));
    return places;
  }

  private static String place(Path folder) {
    return Files.isDirectory(folder) ? folder.toString() : folder + " (no such folder)";
  }

  private List<Path> allFolders() {
    return Stream.of(locator.named(), LoaderPath.folders(), locator.folders())
        .flatMap(List::stream)
        .toList();
  }

  /** A file that is there and does not load is a better reason than that there is none. */
  public Optional<String> broken(List<String> sonames) {
    for (String soname : sonames) {
      for (Path folder : allFolders()) {
        Path file = folder.resolve(soname);
        if (Files.exists(file)) {
          String why = refusal(file.toString()).orElse("the loader skips it");
          return Optional.of(file + " does not load: " + tail(why, file.toString()));
        }
      }
    }
    return Optional.empty();
  }

  /** A message without the name that it begins with. */
  public static String tail(String message, String name) {
    return message.startsWith(name + ": ") ? message.substring(name.length() + 2) : message;
  }

  private String whyMissing(List<String> sonames) {
    return broken(sonames).orElseGet(() -> whyNone(sonames));
  }

  private String whyNone(List<String> sonames) {
    String none =
        sonames.size() > MOST_NAMED
            ? "no " + stem(sonames.getFirst()) + ".so of any version"
            : "no " + String.join(" or ", sonames);
    return allFolders().stream()
        .flatMap(
            folder -> LibraryLocator.children(folder, stem(sonames.getFirst()) + ".so.*").stream())
        .findFirst()
        .map(other -> none + "; " + other + " is of another version")
        .orElse(none);
  }

  /** How much is missing of a library that the loader would fall over; see {@link ElfFile}. */
  public static Optional<String> cut(String library) {
    return ElfFile.cut(library);
  }

  /** What the system's loader has against a library; empty when it takes it. */
  public static Optional<String> refusal(String library) {
    Optional<String> cut = cut(library);
    if (cut.isPresent()) {
      return cut;
    }
    MethodHandle open = function("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
    MethodHandle error = function("dlerror", FunctionDescriptor.of(ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(library);
      MemorySegment handle = (MemorySegment) open.invokeExact(name, RTLD_NOW);
      if (!handle.equals(MemorySegment.NULL)) {
        return Optional.empty();
      }
      MemorySegment message = (MemorySegment) error.invokeExact();
      return Optional.of(
          message.equals(MemorySegment.NULL)
              ? "the loader does not say why"
              : message.reinterpret(LONGEST_MESSAGE).getString(0));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }
}
