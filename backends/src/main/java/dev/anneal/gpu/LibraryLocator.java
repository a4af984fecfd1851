package dev.anneal.gpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Finds a vendor's libraries: in the folders that the user named for this, by the loader's own
 * path, then in {@code folders} in order.
 *
 * @param named by the user
 * @param folders where a toolkit or a Python environment has libraries
 * @param searched all of these places in a few words, for messages
 */
public record LibraryLocator(List<Path> named, List<Path> folders, String searched) {
  private static final String PYTHON = "python3";

  public LibraryLocator {
    named = List.copyOf(named);
    folders = List.copyOf(folders);
  }

  public LibraryLocator(List<Path> folders, String searched) {
    this(List.of(), folders, searched);
  }

  /** A variable's value, unless it is blank. */
  public static Optional<String> value(Map<String, String> environment, String variable) {
    return Optional.ofNullable(environment.get(variable)).filter(value -> !value.isBlank());
  }

  /**
   * Where Python environments are: the active one, then that of the {@code python3} which is first
   * on PATH, activated or not, as in containers.
   */
  public static List<Path> pythonHomes(Map<String, String> environment) {
    Set<Path> homes = new LinkedHashSet<>();
    for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      value(environment, variable).ifPresent(home -> homes.add(Path.of(home)));
    }
    value(environment, "PATH").stream()
        .flatMap(path -> Stream.of(path.split(":")))
        .filter(folder -> !folder.isBlank())
        .map(folder -> Path.of(folder, PYTHON))
        .filter(Files::isExecutable)
        .findFirst()
        .ifPresent(
            python -> {
              // As it is called, which is the environment's, and what it leads to.
              home(python).ifPresent(homes::add);
              // A shim of pyenv's leads to one of these, by a script.
              home(python)
                  .map(home -> newest(home.resolve("versions"), "*"))
                  .ifPresent(homes::addAll);
              real(python).flatMap(LibraryLocator::home).ifPresent(homes::add);
            });
    return List.copyOf(homes);
  }

  /** /opt/env of /opt/env/bin/python3. */
  private static Optional<Path> home(Path python) {
    return Optional.ofNullable(python.toAbsolutePath().getParent())
        .flatMap(bin -> Optional.ofNullable(bin.getParent()));
  }

  private static Optional<Path> real(Path file) {
    try {
      return Optional.of(file.toRealPath());
    } catch (IOException e) {
      return Optional.empty(); // It went away.
    }
  }

  /** The folders that Python environments have their packages in: the active one's first. */
  public static List<Path> pythonPackages(Map<String, String> environment) {
    Set<Path> libraries = new LinkedHashSet<>();
    for (Path home : pythonHomes(environment)) {
      libraries.add(home.resolve("lib"));
      libraries.add(home.resolve("lib64"));
    }
    value(environment, "HOME").ifPresent(home -> libraries.add(Path.of(home, ".local/lib")));
    libraries.add(Path.of("/usr/local/lib"));
    libraries.add(Path.of("/usr/lib"));
    List<Path> packages = new ArrayList<>();
    for (Path library : libraries) {
      for (Path python : children(library, "python3*")) {
        for (String folder : List.of("site-packages", "dist-packages")) {
          if (Files.isDirectory(python.resolve(folder))) {
            packages.add(python.resolve(folder));
          }
        }
      }
    }
    return packages;
  }

  /**
   * The same in an order by the numbers in the names, the greatest first: {@code lib.so.10} before
   * {@code lib.so.7}.
   */
  public static List<Path> newest(Path folder, String glob) {
    List<Path> children = new ArrayList<>(children(folder, glob));
    children.sort(Comparator.comparing(LibraryLocator::numbers, Arrays::compare).reversed());
    return children;
  }

  private static int[] numbers(Path file) {
    return Stream.of(file.getFileName().toString().split("\\D+"))
        .filter(digits -> !digits.isEmpty() && digits.length() < 10)
        .mapToInt(Integer::parseInt)
        .toArray();
  }

  /** What {@code folder} has by the names of {@code glob}, sorted; nothing when it is not there. */
  public static List<Path> children(Path folder, String glob) {
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

  /** The versions of {@code libx.so} that are in any folder by the name {@code libx.so.VERSION}. */
  public IntStream versions(String name) {
    return Stream.concat(named.stream(), folders.stream())
        .flatMap(folder -> children(folder, name + ".[0-9]*").stream())
        .map(file -> file.getFileName().toString().substring(name.length() + 1))
        .filter(version -> version.matches("\\d{1,9}"))
        .mapToInt(Integer::parseInt);
  }

  /**
   * The first of {@code sonames} that is anywhere: a newer one in any place comes first.
   *
   * @param needed which libraries beside it to load before, as a glob, since it has no path to find
   *     them by; empty for none
   */
  public Optional<SharedLibrary> find(List<String> sonames, String needed) {
    for (String soname : sonames) {
      Optional<SharedLibrary> found =
          in(named, soname, needed)
              .or(
                  () ->
                      open(soname)
                          .map(
                              symbols ->
                                  new SharedLibrary(
                                      soname, loaded(soname).orElse(soname), symbols)))
              .or(() -> in(folders, soname, needed));
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private static Optional<SharedLibrary> in(List<Path> folders, String soname, String needed) {
    for (Path folder : folders) {
      Path file = folder.resolve(soname);
      if (Files.isRegularFile(file)) {
        if (!needed.isEmpty()) {
          // Twice, since they may need each other in any order.
          children(folder, needed).forEach(other -> open(other.toString()));
          children(folder, needed).forEach(other -> open(other.toString()));
        }
        Optional<SymbolLookup> symbols = open(file.toString());
        if (symbols.isPresent()) {
          return Optional.of(new SharedLibrary(soname, file.toString(), symbols.get()));
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<SymbolLookup> open(String name) {
    if (ElfFile.cut(name).isPresent()) {
      return Optional.empty();
    }
    try {
      return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // There is none of this name, or it is for another machine.
    }
  }

  /** All files that this process has loaded whose name begins with {@code name}. */
  public static Set<String> allLoaded(String name) {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.indexOf('/') >= 0)
          .map(line -> line.substring(line.indexOf('/')))
          .filter(path -> path.contains("/" + name))
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      return Set.of();
    }
  }

  /**
   * The file that this process has loaded for {@code soname}, which may be a path: one that is
   * named so, or else one of another version that its link leads to.
   */
  public static Optional<String> loaded(String soname) {
    String file = soname.substring(soname.lastIndexOf('/') + 1);
    int end = file.indexOf(".so");
    String stem = end < 0 ? file : file.substring(0, end + 3);
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      List<String> files =
          maps.filter(line -> line.indexOf('/') >= 0)
              .map(line -> line.substring(line.indexOf('/')))
              .toList();
      return Stream.of(file, stem)
          .flatMap(name -> files.stream().filter(path -> path.contains("/" + name)))
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
