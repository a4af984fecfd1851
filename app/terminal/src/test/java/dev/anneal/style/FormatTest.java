package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * All sources are as google-java-format writes them; {@code scripts/format} makes them so. A test
 * and not a Maven plugin, since plugins run on Maven's own, perhaps older, Java, whose parser does
 * not know the language's newer forms.
 */
@Execution(ExecutionMode.CONCURRENT)
class FormatTest {
  private static final boolean REWRITE = Boolean.getBoolean("anneal.format");

  @Test
  void everySourceIsFormatted() throws IOException, FormatterException {
    Formatter formatter = new Formatter();
    List<Path> unformatted = new ArrayList<>();
    for (Path source : sources()) {
      String text = Files.readString(source);
      String formatted = formatter.formatSourceAndFixImports(text);
      if (!formatted.equals(text)) {
        if (REWRITE) {
          Files.writeString(source, formatted);
        } else {
          unformatted.add(source);
        }
      }
    }
    assertEquals(List.of(), unformatted, "run scripts/format");
  }

  private static List<Path> sources() throws IOException {
    Path root = Path.of("../..").toAbsolutePath().normalize();
    List<Path> sources = new ArrayList<>();
    for (String module : List.of("backends", "app/engine", "app/terminal")) {
      try (Stream<Path> files = Files.walk(root.resolve(module).resolve("src"))) {
        files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
      }
    }
    return sources;
  }
}
