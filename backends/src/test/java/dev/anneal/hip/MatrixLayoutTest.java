package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.TestDouble;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * The double's matrix instructions have their numbers where AMD's Matrix Instruction Calculator
 * says (mfma-layouts.tsv), whose formulas for 32 x 32 are: A[i][k] in lane 32 (k / 4) + i, number k
 * % 4; B[k][j] in lane 32 (k / 4) + j, number k % 4; D[i][j] in lane 32 (i / 4) % 64 + j, register
 * 4 (i / 8) + i % 4. And what wide_matrix.cuh says of banks and of operands holds.
 */
@ResourceLock("double of HIP")
class MatrixLayoutTest {
  @TempDir private Path folder;

  @Test
  void lanesHaveWhatTheCalculatorSaysAndNoTwoMeetInABank() throws IOException {
    TestDouble.build();
    Path source = folder.resolve("wide_matrix.h");
    Files.writeString(source, KernelSource.of("wide_matrix.cuh", HipCompiler.FOLDERS).text());
    Path program = folder.resolve("layouts");
    List<String> errors =
        TestDouble.run(
            TestDouble.directory(),
            "g++",
            "-std=c++17",
            "-w",
            "-DWAVE=64",
            "-DMATRIX_MFMA",
            "-DANNEAL_BF16",
            "-include",
            "double.h",
            "-include",
            source.toString(),
            "-o",
            program.toString(),
            "layouts.cpp");
    assertEquals(List.of(), errors);
    Process process = new ProcessBuilder(program.toString()).start();
    List<String> printed = process.inputReader().lines().toList();
    List<String> table =
        Files.readAllLines(TestDouble.directory().resolve("mfma-layouts.tsv")).stream()
            .filter(line -> !line.startsWith("#"))
            .toList();
    assertEquals(384, table.size());
    assertEquals(table, printed);
  }
}
