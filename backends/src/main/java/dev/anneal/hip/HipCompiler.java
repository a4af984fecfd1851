package dev.anneal.hip;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.CompilerFunction;
import dev.anneal.gpu.CompilerLibrary;
import dev.anneal.gpu.KernelCompiler;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * hipRTC for one architecture, in a process of its own for each file: for an architecture that it
 * does not know, the one of ROCm 5.2 ends the process that it is in. What it makes is cached, so
 * this is paid once.
 *
 * @param wave threads that run in step on the device
 */
record HipCompiler(CompilerLibrary hiprtc, Architecture architecture, int wave)
    implements KernelCompiler {
  /** Where what is particular to AMD is, then where all else is. */
  static final List<String> FOLDERS = List.of("/dev/anneal/hip/kernels/", KernelSource.CUDA_FOLDER);

  /** What kernels are loaded from. */
  static final CompilerLibrary.Output CODE =
      new CompilerLibrary.Output(CompilerFunction.GET_CODE_SIZE, CompilerFunction.GET_CODE);

  private static final String TITLE = "hipRTC";

  /** The compiler where there is one: until ROCm 6 it is in the runtime as well. */
  static Optional<CompilerLibrary> find(LibraryLocator locator) {
    return HipLibrary.COMPILER
        .find(locator)
        .or(() -> HipLibrary.RUNTIME.find(locator))
        .filter(library -> library.has("hiprtcCompileProgram"))
        .map(HipCompiler::bind);
  }

  static CompilerLibrary bind(SharedLibrary library) {
    return new CompilerLibrary(library, "hiprtc", TITLE);
  }

  /** What is not fused in the source is not fused. */
  static List<String> options(Architecture architecture, int wave) {
    return Stream.concat(
            Stream.of(
                "--offload-arch=" + architecture.name(),
                "-DWAVE=" + wave,
                "-O3",
                "-ffp-contract=off",
                "-std=c++17"),
            Stream.concat(
                // hipRTC adds it, and compilers on their own do not; what is measured is what runs.
                architecture.name().startsWith("gfx1") ? Stream.of("-mcumode") : Stream.of(),
                architecture.matrixUnit().options().stream()))
        .toList();
  }

  @Override
  public List<String> identity() {
    // The library's own number says little: 5.2's is 9.0.
    return Stream.concat(
            Stream.of(hiprtc.version(), hiprtc.path()), options(architecture, wave).stream())
        .toList();
  }

  @Override
  public byte[] compile(KernelSource source, List<String> options) {
    try {
      Path folder = Files.createTempDirectory("anneal-hiprtc");
      Path text = folder.resolve("source");
      Path image = folder.resolve("image");
      try {
        Files.writeString(text, source.text());
        List<String> arguments =
            new ArrayList<>(
                List.of(hiprtc.path(), source.name(), architecture.name(), text + "", image + ""));
        arguments.addAll(options(architecture, wave));
        arguments.addAll(options);
        run(source, arguments);
        return Files.readAllBytes(image);
      } finally {
        for (Path file : List.of(text, image, folder)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void run(KernelSource source, List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                // A compiler goes deep.
                "-Xss16m",
                // A crash leaves nothing behind.
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=/dev/null",
                "-cp",
                System.getProperty("java.class.path"),
                HipCompilerProcess.class.getName()));
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes()).strip();
    int code;
    try {
      code = process.waitFor();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw Failure.failed("interrupted while compiling " + source.name());
    }
    if (code == HipCompilerProcess.REFUSED) {
      throw new Failure(ExitCode.FAILED, said.lines().reduce((a, b) -> b).orElse(said));
    }
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND,
          TITLE
              + " ("
              + hiprtc.path()
              + ") crashes for "
              + architecture.name()
              + ", compiling "
              + source.name()
              + "; install the ROCm that knows this GPU");
    }
  }
}
