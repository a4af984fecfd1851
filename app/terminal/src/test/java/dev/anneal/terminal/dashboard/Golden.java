package dev.anneal.terminal.dashboard;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Texts that were looked at and found right, in {@code src/test/resources/golden}. With {@code
 * -Danneal.golden=write} they are written anew, to be looked at again.
 */
final class Golden {
  private static final Path FOLDER = Path.of("src/test/resources/golden");
  private static final boolean WRITE = "write".equals(System.getProperty("anneal.golden"));

  private Golden() {}

  static void check(String name, String text) {
    Path file = FOLDER.resolve(name + ".txt");
    try {
      if (WRITE) {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return;
      }
      String golden = Files.exists(file) ? Files.readString(file) : "";
      if (!golden.equals(text)) {
        fail(file + ": - golden, + now; -Danneal.golden=write accepts\n" + diff(golden, text));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The lines that differ, with their numbers. */
  private static String diff(String golden, String text) {
    List<String> before = golden.lines().toList();
    List<String> after = text.lines().toList();
    StringBuilder diff = new StringBuilder();
    for (int i = 0; i < Math.max(before.size(), after.size()); i++) {
      String old = i < before.size() ? before.get(i) : "";
      String now = i < after.size() ? after.get(i) : "";
      if (!old.equals(now)) {
        diff.append("%3d - %s%n%3d + %s%n".formatted(i + 1, old, i + 1, now));
      }
    }
    return diff.toString();
  }
}
