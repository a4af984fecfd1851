package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every kernel file through CUDA's own compiler, where there is one: each for one architecture and
 * number format in turn, so that the suite stays short; {@code scripts/cuda-registers} goes through
 * all. No kernel but a plain one may spill registers.
 */
class NvccTest {
  private static final List<String> ARCHITECTURES =
      List.of("sm_80", "sm_89", "sm_90a", "sm_100", "sm_120");
  private static final Path SOURCES = Path.of("src/main/cuda");
  private static final Pattern ENTRY = Pattern.compile("Compiling entry function '(\\w+)'");
  private static final Pattern SPILL = Pattern.compile("(\\d+) bytes spill stores");

  private record Result(int code, List<String> lines) {}

  private static Result nvcc(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("nvcc"));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      List<String> lines = process.inputReader().lines().toList();
      return new Result(process.waitFor(), lines);
    } catch (IOException e) {
      return new Result(127, List.of());
    }
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(SOURCES)) {
      return files.filter(file -> file.toString().endsWith(".cu")).sorted().toList();
    }
  }

  @Test
  void everyFileCompilesWithoutSpills() throws Exception {
    assumeTrue(nvcc("--version").code() == 0, "no nvcc here, so kernels are compiled by NVRTC alone");
    List<Path> files = files();
    assertFalse(files.isEmpty());
    for (int i = 0; i < files.size(); i++) {
      String architecture = ARCHITECTURES.get(i % ARCHITECTURES.size());
      String format = i % 2 == 0 ? "-DANNEAL_F32" : "-DANNEAL_BF16";
      Result result =
          nvcc(
              "-cubin",
              "-arch=" + architecture,
              "-fmad=false",
              "-std=c++17",
              format,
              "-Xptxas",
              "-v",
              "-o",
              "/dev/null",
              files.get(i).toString());
      String what = files.get(i) + " " + architecture + " " + format;
      assertEquals(0, result.code(), () -> what + "\n" + String.join("\n", result.lines()));
      Map<String, Integer> spills = spills(result.lines());
      assertFalse(spills.isEmpty(), what);
      spills.forEach(
          (kernel, bytes) ->
              assertTrue(bytes == 0 || kernel.endsWith("_v1"), () -> what + ": " + kernel));
    }
  }

  private static Map<String, Integer> spills(List<String> lines) {
    Map<String, Integer> spills = new HashMap<>();
    String kernel = "";
    for (String line : lines) {
      Matcher entry = ENTRY.matcher(line);
      Matcher spill = SPILL.matcher(line);
      if (entry.find()) {
        kernel = entry.group(1);
      } else if (spill.find()) {
        spills.put(kernel, Integer.parseInt(spill.group(1)));
      }
    }
    return spills;
  }

  @Test
  void sourcesIncludeNothingButEachOther() throws IOException {
    try (Stream<Path> sources = Files.list(SOURCES)) {
      for (Path source : sources.toList()) {
        for (String line : Files.readAllLines(source)) {
          if (line.startsWith("#include")) {
            assertTrue(line.matches("#include \"\\w+\\.cuh\""), source + ": " + line);
          }
        }
      }
    }
  }
}
