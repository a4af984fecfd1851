package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What compilers make of every kernel is in the documents, so that none gets slow unseen. */
class RegisterTablesTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern KERNEL =
      Pattern.compile("\\nKERNEL\\([^)\\n]*\\)\\s+(?<name>\\w+)\\(");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| (?<name>\\w+) \\| (bf16|f32) ");

  private static Set<String> names(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    return matcher.results().map(found -> found.group("name")).collect(Collectors.toSet());
  }

  private static Set<String> kernels(String vendor) throws IOException {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> files =
        Files.list(ROOT.resolve("kernels-" + vendor + "/src/main/" + vendor))) {
      for (Path file : files.filter(file -> file.toString().endsWith(".cu")).toList()) {
        names.addAll(names(KERNEL, Files.readString(file)));
      }
    }
    assertTrue(names.size() > 5, vendor + names);
    return names;
  }

  private static void assertAreIn(String table, Set<String> kernels) throws IOException {
    kernels.removeAll(names(ROW, Files.readString(ROOT.resolve("docs/measured/" + table))));
    assertEquals(Set.of(), kernels, "not in " + table + ": run the script of its name");
  }

  @Test
  void everyKernelHasARow() throws IOException {
    assertAreIn("cuda-registers.md", kernels("cuda"));
    Set<String> ofAmd = kernels("cuda");
    ofAmd.addAll(kernels("hip"));
    assertAreIn("hip-registers.md", ofAmd);
  }
}
