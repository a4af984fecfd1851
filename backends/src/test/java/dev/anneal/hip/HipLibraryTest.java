package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.gpu.TestDouble;
import dev.anneal.launch.Grid;
import dev.anneal.launch.KernelFile;
import dev.anneal.launch.Launch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Where AMD's libraries are looked for, and that they are of one ROCm. */
@ResourceLock("double of HIP")
class HipLibraryTest {
  @TempDir private Path folder;

  @Test
  void versionsAreTriedByNumberWhateverTheyAre() throws IOException {
    Path library = Files.createDirectories(folder.resolve("lib"));
    for (String version : List.of("7", "10", "10.0.1", "31", "x")) {
      Files.writeString(library.resolve("libamdhip64.so." + version), "");
    }
    List<String> sonames =
        HipLibrary.RUNTIME.sonames(HipLibrary.locator(Map.of("ROCM_PATH", folder.toString())));
    assertEquals("libamdhip64.so.31", sonames.getFirst());
    assertEquals("libamdhip64.so", sonames.getLast());
    assertTrue(sonames.indexOf("libamdhip64.so.10") < sonames.indexOf("libamdhip64.so.7"));
    assertTrue(sonames.indexOf("libamdhip64.so.7") < sonames.indexOf("libamdhip64.so.5"));
    assertEquals(sonames.size(), sonames.stream().distinct().count());
    assertTrue(sonames.stream().noneMatch(name -> name.endsWith(".so.4") || name.contains("x")));
  }

  private SharedLibrary library(String name, String source, String... more) throws IOException {
    Path file = folder.resolve(name);
    Path text = Files.writeString(folder.resolve(name + ".cpp"), source);
    List<String> command =
        new ArrayList<>(
            List.of("g++", "-shared", "-fPIC", "-Wl,-soname," + name, "-o", file.toString()));
    command.add(text.toString());
    command.addAll(List.of(more));
    List<String> errors = TestDouble.run(folder, command.toArray(String[]::new));
    assertEquals(List.of(), errors);
    return new LibraryLocator(List.of(), "").find(List.of(file.toString()), "").orElseThrow();
  }

  @Test
  void twoRuntimesAreRefusedByName() throws IOException {
    assumeTrue(TestDouble.run(folder, "g++", "--version").isEmpty(), "no g++ here");
    String malloc = "extern \"C\" int hipMalloc(void**, unsigned long) { return 0; }";
    SharedLibrary ours = library("libamdhip64.so.41", malloc);
    SharedLibrary theirs = library("libamdhip64.so.42", malloc);
    String use =
        "extern \"C\" int hipMalloc(void**, unsigned long);"
            + "extern \"C\" int use() { return hipMalloc(0, 0); }";
    SharedLibrary same = library("libsame.so.1", use, "-Wl,--no-as-needed", ours.path());
    SharedLibrary other = library("libother.so.1", use, "-Wl,--no-as-needed", theirs.path());
    SharedLibrary none = library("libnone.so.1", "extern \"C\" int none() { return 0; }");
    assertDoesNotThrow(() -> HipBackend.requireSameRuntime(ours, same));
    assertDoesNotThrow(() -> HipBackend.requireSameRuntime(ours, none));
    Failure failure = assertThrows(Failure.class, () -> HipBackend.requireSameRuntime(ours, other));
    assertEquals(ExitCode.BACKEND, failure.exitCode());
    String line = failure.getMessage();
    assertTrue(line.startsWith(other.path() + " brings a HIP runtime of its own"), line);
    assertTrue(line.contains(ours.path()) && line.contains(theirs.path()), line);
    assertEquals(1, line.lines().count());
  }

  private static Launch launch(int blocks, int threads) {
    return Launch.of(KernelFile.of("fill.cu"), "fill", Grid.groups(blocks, 1, threads, 1));
  }

  /** HIP counts threads, not blocks, in 32 bits. */
  @Test
  void aGridOfMoreThreadsThanHipCountsIsRefused() {
    assertDoesNotThrow(() -> HipModule.checkSize(launch((1 << 24) - 1, 256)));
    Failure failure = assertThrows(Failure.class, () -> HipModule.checkSize(launch(1 << 24, 256)));
    assertTrue(failure.getMessage().startsWith("fill would run 4294967296 threads"), failure + "");
  }

  /** hipRTC adds -mcumode itself, so the script that measures registers must, too. */
  @Test
  void kernelsAreCompiledInTheModeThatTheirRegistersWereMeasuredIn() throws IOException {
    String script = Files.readString(Path.of("../scripts/hip-registers"));
    assertTrue(script.contains("mode=-mcumode") && script.contains("gfx9*) wave=64 mode= ;;"));
    assertTrue(HipCompiler.options(new Architecture("gfx1100"), 32).contains("-mcumode"));
    assertFalse(HipCompiler.options(new Architecture("gfx942"), 64).contains("-mcumode"));
  }

  @Test
  void unitsAreThoseOfTheFamiliesThatKernelsAreWrittenFor() {
    assertEquals(MatrixUnit.WMMA, MatrixUnit.of("gfx1151"));
    assertEquals(MatrixUnit.WMMA_12, MatrixUnit.of("gfx1201"));
    for (String other : List.of("gfx1250", "gfx1170", "gfx1036", "gfx12", "gfx908")) {
      assertEquals(MatrixUnit.NONE, MatrixUnit.of(other), other);
    }
  }
}
