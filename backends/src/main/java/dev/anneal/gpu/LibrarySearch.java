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

  /** Where the loader looks, as far as that can be said without reading its cache. */
  private static final List<String> USUAL =
      List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib");

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

  private static List<String> loaderFolders() {
    String path = System.getenv().getOrDefault("LD_LIBRARY_PATH", "");
    return Stream.of(path.split(":")).filter(folder -> !folder.isBlank()).toList();
  }

  private List<String> searched() {
    List<String> places = new ArrayList<>();
    locator.named().forEach(folder -> places.add(place(folder)));
    loaderFolders().forEach(folder -> places.add(place(Path.of(folder))));
    places.add("the loader's path");
    locator.folders().forEach(folder -> places.add(place(folder)));
    return places;
  }

  private static String place(Path folder) {
    return Files.isDirectory(folder) ? folder.toString() : folder + " (no such folder)";
  }

  /** A file that is there and does not load is a better reason than that there is none. */
  private String whyMissing(List<String> sonames) {
    List<Path> folders =
        Stream.of(
                locator.named().stream(),
                Stream.concat(loaderFolders().stream(), USUAL.stream()).map(Path::of),
                locator.folders().stream())
            .flatMap(Function.identity())
            .toList();
    for (String soname : sonames) {
      for (Path folder : folders) {
        Path file = folder.resolve(soname);
        if (Files.exists(file)) {
          return file + " does not load: " + refusal(file.toString()).orElse("the loader skips it");
        }
      }
    }
    String none =
        sonames.size() > MOST_NAMED
            ? "no " + stem(sonames.getFirst()) + ".so of any version"
            : "no " + String.join(" or ", sonames);
    return folders.stream()
        .flatMap(
            folder -> LibraryLocator.children(folder, stem(sonames.getFirst()) + ".so.*").stream())
        .findFirst()
        .map(other -> none + "; " + other + " is of another version")
        .orElse(none);
  }

  /** What the system's loader has against a library; empty when it takes it. */
  public static Optional<String> refusal(String library) {
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
