package dev.anneal.data;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.PathName;
import dev.anneal.failure.Failure;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.PatternSyntaxException;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The text files that a user's words name: a file; a folder, for all in it that are text; or a
 * pattern, in which {@code *}, {@code ?}, {@code [...]} and {@code {...}} are as in a shell, and
 * {@code **} goes into folders. They are in the order of their paths' characters, whatever the
 * locale. Names that begin with a dot are left out of folders and patterns.
 *
 * @param files one at least
 * @param skipped names of files in a folder that are no text
 */
public record CorpusFiles(String source, List<TextFile> files, List<String> skipped) {
  static final String WHAT_THERE_IS =
      "there are text, .jsonl and .json with a text field, each of them also in .gz, folders and"
          + " patterns of these, and token shards (.bin)";

  private static final int SNIFFED = 1 << 13;

  /** How a file holds text. */
  enum Form {
    TEXT,
    /** A record per line. */
    JSON_LINES,
    /** An array of records, or one after the other. */
    JSON;

    static Form of(Path file) {
      String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
      String bare = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
      if (bare.endsWith(".jsonl") || bare.endsWith(".ndjson")) {
        return JSON_LINES;
      }
      return bare.endsWith(".json") ? JSON : TEXT;
    }

    boolean hasRecords() {
      return this != TEXT;
    }
  }

  record TextFile(Path path, Form form) {}

  public CorpusFiles {
    files = List.copyOf(files);
    skipped = List.copyOf(skipped);
  }

  /** Whether {@code source} names token shards, and not text. */
  public static boolean areShards(String source) {
    return source.endsWith(".bin");
  }

  /** Whether a path that is not there is a pattern. */
  static boolean isPattern(String source) {
    return source.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
  }

  /**
   * The files of {@code source}, which is no pattern of shards.
   *
   * @throws Failure when there are none, or a file is there in a form that is not read
   */
  static CorpusFiles find(String source) {
    Path path = PathName.of(source);
    if (Files.isDirectory(path)) {
      return inFolder(source, path);
    }
    if (!Files.exists(path) && isPattern(source)) {
      List<Path> matching = matching(source);
      matching.stream()
          .filter(file -> areShards(file.toString()))
          .findFirst()
          .ifPresent(
              shard -> {
                throw Failure.failed(
                    source
                        + " matches token shards, such as "
                        + shard
                        + "; give a pattern that ends in .bin, or one of text alone");
              });
      return new CorpusFiles(source, textFiles(matching), List.of());
    }
    return new CorpusFiles(source, textFiles(List.of(path)), List.of());
  }

  private static List<TextFile> textFiles(List<Path> paths) {
    return paths.stream().map(path -> new TextFile(path, Form.of(path))).toList();
  }

  private static CorpusFiles inFolder(String source, Path folder) {
    List<Path> all = visible(folder, Integer.MAX_VALUE, path -> true);
    List<TextFile> files = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    for (Path file : all) {
      TextFile text = new TextFile(file, Form.of(file));
      if (isText(text)) {
        files.add(text);
      } else {
        skipped.add(folder.relativize(file).toString());
      }
    }
    if (files.isEmpty()) {
      boolean shards = skipped.stream().anyMatch(CorpusFiles::areShards);
      throw Failure.failed(
          source
              + " has no text in it"
              + (shards
                  ? "; give its token shards as '" + folder.resolve("*.bin") + "'"
                  : skipped.isEmpty()
                      ? "; it has no files whose names do not begin with a dot"
                      : ", only such as " + skipped.getFirst() + "; " + WHAT_THERE_IS));
    }
    return new CorpusFiles(source, files, skipped);
  }

  /** A settings file in .json is no corpus: in a folder, it must begin as an array of objects. */
  private static boolean isText(TextFile file) {
    if (areShards(file.path().toString())) {
      return false;
    }
    byte[] first = beginning(file.path());
    if (first.length == 0 || !FileKind.looksLikeText(first, first.length < SNIFFED)) {
      return false;
    }
    return file.form() != Form.JSON
        || new String(first, StandardCharsets.UTF_8).matches("(?s)\uFEFF?\\s*\\[\\s*\\{.*");
  }

  /** Uncompressed. */
  private static byte[] beginning(Path file) {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      in.mark(FileKind.BYTES);
      boolean compressed = FileKind.isGzip(in.readNBytes(FileKind.BYTES));
      in.reset();
      return (compressed ? new GZIPInputStream(in) : in).readNBytes(SNIFFED);
    } catch (ZipException | EOFException e) {
      // Whoever reads it will say what is wrong with it.
      return new byte[] {' '};
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  /**
   * The file at {@code pattern}, or else the files that match it.
   *
   * @throws Failure when there are none
   */
  static List<Path> matching(String pattern) {
    Path path = PathName.of(pattern);
    if (Files.exists(path) || !isPattern(pattern)) {
      return List.of(path);
    }
    Path root = Optional.ofNullable(path.getRoot()).orElse(Path.of(""));
    int plain = 0;
    while (!isPattern(path.getName(plain).toString())) {
      root = root.resolve(path.getName(plain++));
    }
    Path folder = root;
    Path rest = path.subpath(plain, path.getNameCount());
    List<Path> files;
    try {
      PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + rest);
      int depth = rest.toString().contains("**") ? Integer.MAX_VALUE : rest.getNameCount();
      files = visible(folder, depth, file -> matcher.matches(folder.relativize(file)));
    } catch (PatternSyntaxException e) {
      throw Failure.usage("'" + pattern + "' is no pattern: " + e.getDescription());
    }
    if (files.isEmpty()) {
      throw Failure.failed("no file matches " + pattern + "; check the path");
    }
    return files;
  }

  private interface Chosen {
    boolean test(Path file);
  }

  /** Files in and below {@code folder}; links to files are followed, links to folders are not. */
  private static List<Path> visible(Path folder, int depth, Chosen chosen) {
    List<Path> files = new ArrayList<>();
    Path start = folder.toString().isEmpty() ? Path.of(".") : folder;
    try {
      // A link to a folder is the folder that the user named.
      Path real = start.toRealPath();
      Files.walkFileTree(
          real,
          Set.of(),
          depth,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
              return path.equals(real) || !isHidden(path)
                  ? FileVisitResult.CONTINUE
                  : FileVisitResult.SKIP_SUBTREE;
            }

            @Override
            public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
              Path named = folder.resolve(real.relativize(path));
              if (!isHidden(path) && Files.isRegularFile(path) && chosen.test(named)) {
                files.add(named);
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw FileFailures.cannotRead(start, e);
    }
    files.sort(Comparator.comparing(Path::toString));
    return files;
  }

  private static boolean isHidden(Path path) {
    return path.getFileName().toString().startsWith(".");
  }
}
