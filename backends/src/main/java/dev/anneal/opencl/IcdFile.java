package dev.anneal.opencl;

import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A file that names a vendor's driver to OpenCL's loader.
 *
 * @param library the driver, as the file names it; empty when the file cannot be read
 */
record IcdFile(Path path, Optional<String> library) {
  private static final String VENDORS = "/etc/OpenCL/vendors";

  /** Where they are: both loaders in use have a variable for it. */
  static Path vendors() {
    for (String variable : List.of("OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH")) {
      Optional<String> path = LibraryLocator.value(System.getenv(), variable);
      if (path.isPresent()) {
        return Path.of(path.get());
      }
    }
    return Path.of(VENDORS);
  }

  /** All in {@code vendors}, which may also be one itself. */
  static List<IcdFile> in(Path vendors) {
    List<Path> files =
        Files.isRegularFile(vendors) ? List.of(vendors) : LibraryLocator.children(vendors, "*.icd");
    return files.stream().map(IcdFile::read).toList();
  }

  private static IcdFile read(Path path) {
    try {
      return new IcdFile(
          path, Optional.of(Files.readString(path, StandardCharsets.ISO_8859_1).strip()));
    } catch (IOException e) {
      return new IcdFile(path, Optional.empty());
    }
  }

  /** Why its driver cannot be loaded, in words; empty when it can. */
  Optional<String> problem() {
    if (library.isEmpty()) {
      return Optional.of(path + " cannot be read");
    }
    String name = library.get();
    return LibrarySearch.refusal(name)
        .map(
            why ->
                path
                    + " names "
                    + name
                    + ", which does not load: "
                    + LibrarySearch.tail(why, name));
  }

  /** Why the loader must not even be asked for its driver. */
  Optional<String> danger() {
    return library.flatMap(LibrarySearch::cut).map(why -> path + " names a broken driver: " + why);
  }
}
