package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every package says in its package-info.java what is in it and what it may depend on. */
class PackagesTest {
  private static final Pattern COMMENT = Pattern.compile("^/\\*\\*(.*?)\\*/", Pattern.DOTALL);

  /** A full stop that ends a sentence. */
  private static final Pattern SENTENCE = Pattern.compile("\\.(?=\\s+[A-Z{]|\\s*$)");

  @Test
  void eachSaysWhatIsInItAndWhatItMayDependOn() throws IOException {
    Set<Path> packages = packages();
    assertTrue(packages.size() > 20, packages + "");
    List<String> silent = new ArrayList<>();
    for (Path folder : packages) {
      Path info = folder.resolve("package-info.java");
      long sentences = Files.exists(info) ? sentences(Files.readString(info)) : 0;
      if (sentences < 2 || sentences > 4) {
        silent.add(info + " has " + sentences + " sentences; expected two to four");
      }
    }
    assertEquals(List.of(), silent);
  }

  private static long sentences(String source) {
    Matcher comment = COMMENT.matcher(source);
    if (!comment.find()) {
      return 0;
    }
    String text = comment.group(1).replaceAll("\\n \\*", " ").strip();
    return SENTENCE.matcher(text).results().count();
  }

  /** The folders of all main sources. */
  private static Set<Path> packages() throws IOException {
    Path root = Path.of("../..").toAbsolutePath().normalize();
    Set<Path> packages = new TreeSet<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            String name = folder.getFileName().toString();
            return name.equals("target") || name.startsWith(".")
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String path = file.toString();
            if (path.endsWith(".java") && path.contains("/src/main/java/")) {
              packages.add(Objects.requireNonNull(file.getParent()));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return packages;
  }
}
