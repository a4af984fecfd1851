package dev.anneal.data;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.PatternSyntaxException;

/** The files that a path or a pattern names. */
final class ShardFiles {

  private ShardFiles() {}

  /**
   * The file at {@code pattern}, or else the files whose names match its last component, in which
   * {@code *}, {@code ?}, {@code [...]} and {@code {...}} are as in a shell. They are in the order
   * of their characters' codes, whatever the locale.
   *
   * @throws Failure when there are none
   */
  static List<Path> matching(String pattern) {
    Path path = Path.of(pattern);
    if (Files.exists(path) || !pattern.matches(".*[*?\\[{].*")) {
      return List.of(path);
    }
    Path parent = path.toAbsolutePath().getParent();
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> found =
        Files.newDirectoryStream(requireNonNull(parent), path.getFileName().toString())) {
      found.forEach(files::add);
    } catch (PatternSyntaxException e) {
      throw Failure.usage("'" + pattern + "' is no pattern: " + e.getDescription());
    } catch (IOException e) {
      throw FileFailures.cannotRead(requireNonNull(parent), e);
    }
    if (files.isEmpty()) {
      throw Failure.failed("no file matches " + pattern + "; check the path");
    }
    files.sort(Comparator.comparing(file -> file.getFileName().toString()));
    return List.copyOf(files);
  }
}
