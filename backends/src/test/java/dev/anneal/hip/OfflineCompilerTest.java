package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.gpu.KernelFiles;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.TestDouble;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every kernel file, as hipRTC gets it, through AMD's compilers to code objects: by the hipcc of
 * ROCm 5.2 for the architectures that it knows, by a newer clang for the others. Number formats
 * alternate, so that the suite stays short. Compiled, not run.
 */
@ResourceLock("double of HIP")
class OfflineCompilerTest {
  @TempDir private Path folder;

  /** With no headers and no device libraries: the kernels need neither. */
  private static List<String> compiler(String program) {
    List<String> command =
        program.equals("hipcc")
            // Where it finds nvcc, it would else compile for NVIDIA.
            ? List.of("env", "HIP_PLATFORM=amd", program, "--genco")
            : List.of(program, "--cuda-device-only", "--no-gpu-bundle-output", "-fuse-ld=lld");
    return Stream.concat(command.stream(), Stream.of("-x", "hip", "-nogpuinc", "-nogpulib"))
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "hipcc, gfx906, 64, 0x2f",
    "hipcc, gfx90a, 64, 0x3f",
    "hipcc, gfx1030, 32, 0x36",
    "clang-19, gfx942, 64, 0x4c",
    "clang-19, gfx1100, 32, 0x41",
    "clang-19, gfx1201, 32, 0x4e"
  })
  void everyFileCompilesForItsWave(String program, String name, int wave, String machine) {
    List<String> there = TestDouble.run(folder, program, "--version");
    assumeTrue(there.isEmpty(), "no " + program + " here; .ci/run installs it");
    Architecture architecture = new Architecture(name);
    assertEquals(wave, architecture.wave());
    List<String> ofUnit =
        architecture.matrixUnit() == MatrixUnit.NONE ? List.of() : KernelFiles.TENSOR_CORES;
    List<String> ofCdna =
        architecture.matrixUnit() == MatrixUnit.MFMA ? KernelFiles.CDNA : List.of();
    List<String> deep = ofUnit.isEmpty() ? List.of() : List.of(KernelFiles.DEEP);
    List<String> files =
        Stream.of(KernelFiles.PORTABLE, ofUnit, deep, ofCdna).flatMap(List::stream).toList();
    files.parallelStream()
        .forEach(
            file -> {
              String format = files.indexOf(file) % 2 == 0 ? "-DANNEAL_F32" : "-DANNEAL_BF16";
              CodeObject object = compile(program, architecture, file, format);
              assertEquals(Integer.decode(machine), object.machine(), file);
              assertFalse(object.kernels().isEmpty(), file);
              object
                  .kernels()
                  .forEach(
                      (kernel, numbers) -> {
                        String what = name + " " + kernel;
                        assertEquals(wave, numbers.get(".wavefront_size"), what);
                        assertTrue(numbers.get(".group_segment_fixed_size") <= 64 << 10, what);
                        assertTrue(
                            numbers.get(".vgpr_spill_count") == 0 || kernel.endsWith("_v1"), what);
                      });
            });
  }

  private CodeObject compile(
      String program, Architecture architecture, String file, String format) {
    try {
      Path source = folder.resolve(file + architecture.name() + ".hip");
      Path object = folder.resolve(file + architecture.name() + ".co");
      Files.writeString(source, KernelSource.of(file, HipCompiler.FOLDERS).text());
      List<String> command = new ArrayList<>(compiler(program));
      command.addAll(HipCompiler.options(architecture, architecture.wave()));
      command.addAll(List.of(format, "-o", object.toString(), source.toString()));
      List<String> errors = TestDouble.run(folder, command.toArray(String[]::new));
      assertEquals(List.of(), errors, file);
      byte[] image = Files.readAllBytes(object);
      return CodeObject.of(unbundled(image));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The last part of what hipcc puts together with an empty one for the host. */
  private static byte[] unbundled(byte[] image) {
    for (int at = image.length - 4; at > 0; at--) {
      if (image[at] == 0x7f
          && image[at + 1] == 'E'
          && image[at + 2] == 'L'
          && image[at + 3] == 'F') {
        return Arrays.copyOfRange(image, at, image.length);
      }
    }
    return image;
  }
}
