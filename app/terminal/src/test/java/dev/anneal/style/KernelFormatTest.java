package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * All kernels are as clang-format writes them with the {@code .clang-format} of the root; {@code
 * scripts/format} makes them so. Version 14 is what Debian 12 has; later ones want a few lines
 * otherwise.
 */
class KernelFormatTest {
  @Test
  void everyKernelIsFormatted() throws IOException, InterruptedException {
    assumeTrue(isHere(), "clang-format is not on the path: apt-get install clang-format");
    List<String> command = new ArrayList<>(List.of("clang-format", "--dry-run", "--Werror"));
    List<Path> sources = sources();
    assertTrue(sources.size() > 40, sources.size() + " kernel files");
    sources.forEach(source -> command.add(source.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    Set<String> unformatted = new TreeSet<>();
    said.lines()
        .filter(line -> line.contains("should be clang-formatted"))
        .forEach(line -> unformatted.add(line.substring(0, line.indexOf(':'))));
    assertEquals(Set.of(), unformatted, "run scripts/format");
    assertEquals(0, code, said);
  }

  private static boolean isHere() throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder("clang-format", "--version")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static List<Path> sources() throws IOException {
    Path root = Path.of("../..").toAbsolutePath().normalize();
    List<Path> sources = new ArrayList<>();
    for (String module : List.of("cuda", "hip", "opencl")) {
      Path folder = root.resolve("kernels-" + module).resolve("src/main").resolve(module);
      try (Stream<Path> files = Files.list(folder)) {
        files.sorted().forEach(sources::add);
      }
    }
    return sources;
  }
}
