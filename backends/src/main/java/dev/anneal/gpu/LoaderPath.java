package dev.anneal.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Where the system's loader looks for a library, as far as that can be said without its cache. */
final class LoaderPath {
  private static final List<String> USUAL =
      List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib");

  private LoaderPath() {}

  /** What the user told the loader. */
  static List<Path> given() {
    String path = System.getenv().getOrDefault("LD_LIBRARY_PATH", "");
    return Stream.of(path.split(":")).filter(folder -> !folder.isBlank()).map(Path::of).toList();
  }

  /** What the user told it, then what the system did, then the usual places. */
  static List<Path> folders() {
    Set<Path> folders = new LinkedHashSet<>(given());
    for (Path file : LibraryLocator.children(Path.of("/etc/ld.so.conf.d"), "*.conf")) {
      try {
        Files.readAllLines(file, StandardCharsets.ISO_8859_1).stream()
            .map(String::strip)
            .filter(line -> line.startsWith("/"))
            .forEach(line -> folders.add(Path.of(line)));
      } catch (IOException e) {
        continue; // What cannot be read is no place that we know of.
      }
    }
    USUAL.forEach(folder -> folders.add(Path.of(folder)));
    return new ArrayList<>(folders);
  }

  /** The file that the loader takes for {@code library}, a path or the name of one. */
  static Optional<Path> file(String library) {
    if (library.indexOf('/') >= 0) {
      return Optional.of(Path.of(library)).filter(Files::exists);
    }
    return folders().stream()
        .map(folder -> folder.resolve(library))
        .filter(Files::exists)
        .findFirst();
  }
}
