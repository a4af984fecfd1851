package dev.anneal.gpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.cache.CacheDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import jcuda.LibUtils;

/**
 * The test double of the vendors' drivers, run-time compilers and matrix libraries, built from
 * {@code src/test/cuda-double} by the C++ compiler at hand. The tests' JVM has its folder in
 * LD_LIBRARY_PATH, so that everything from JCuda or the FFM binding down finds it as it would find
 * the real ones.
 */
public final class TestDouble {
  private static final Path FOLDER = folder();

  /** The library that is built after all others. */
  private static final String LAST = "libhiprtc.so.7";

  private TestDouble() {}

  private static Path folder() {
    try {
      return Path.of(TestDouble.class.getResource("/cuda-double/driver.cpp").toURI()).getParent();
    } catch (java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The folder that has the libraries after {@link #build}. */
  public static Path directory() {
    return FOLDER;
  }

  /** Builds the libraries when they are older than their sources; skips the test without g++. */
  public static synchronized void build() {
    assumeTrue(
        run(FOLDER, "g++", "--version").isEmpty(),
        "no g++ here, so no test double of a GPU's driver: apt-get install g++");
    try {
      if (!upToDate()) {
        compile();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean upToDate() throws IOException {
    Path library = FOLDER.resolve(LAST);
    if (!Files.exists(library)) {
      return false;
    }
    try (Stream<Path> sources = Files.list(FOLDER)) {
      var built = Files.getLastModifiedTime(library);
      return sources
          .filter(file -> file.toString().matches(".*\\.(cpp|h|tsv)"))
          .filter(file -> !file.endsWith("stubs.cpp") && !file.endsWith("numbers.h"))
          .allMatch(file -> modified(file).compareTo(built) <= 0);
    }
  }

  private static java.nio.file.attribute.FileTime modified(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void compile() throws IOException {
    Headers nvidia = Headers.nvidia();
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<Path> sources = files.filter(file -> file.toString().matches(".*\\.(cpp|h)")).toList();
      Files.writeString(
          FOLDER.resolve("numbers.h"), Headers.cpp(sources, nvidia, Headers.amd(FOLDER)));
    }
    Files.writeString(FOLDER.resolve("stubs.cpp"), stubs(nvidia));
    // Made with another double.h, perhaps.
    for (String purpose : List.of("cuda", "hip")) {
      forget(CacheDirectory.ofUser(purpose).directory());
    }
    library("libcuda.so.1", "driver.cpp", "device.cpp", "fibers.cpp", "stubs.cpp");
    library("libcublasLt.so.13", "blaslt.cpp", "-DPREFIX=cublasLt", "libcuda.so.1");
    library("libcudnn.so.9", "cudnn.cpp", "libcuda.so.1");
    library("libnvrtc.so.13", "compiler.cpp", "-DPREFIX=nvrtc", "-DDRIVER=\"libcuda.so.1\"");
    library("libamdhip64.so.7", "hip.cpp", "device.cpp", "fibers.cpp");
    library("libhipblaslt.so.1", "blaslt.cpp", "-DPREFIX=hipblasLt", "-DHIP", "libamdhip64.so.7");
    library(LAST, "compiler.cpp", "-DPREFIX=hiprtc", "-DDRIVER=\"libamdhip64.so.7\"");
  }

  private static void forget(Path cache) throws IOException {
    if (Files.isDirectory(cache)) {
      try (Stream<Path> images = Files.list(cache)) {
        for (Path image : images.filter(Files::isRegularFile).toList()) {
          Files.delete(image);
        }
      }
    }
  }

  private static void library(String soname, String... sources) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "g++",
                "-std=c++17",
                "-O2",
                "-march=native",
                "-ffp-contract=off",
                "-fPIC",
                "-shared",
                "-fvisibility=hidden",
                "-Wl,-soname," + soname,
                "-o",
                soname + ".part"));
    command.addAll(List.of(sources));
    command.addAll(List.of("-ldl", "-lpthread"));
    List<String> errors = run(FOLDER, command.toArray(String[]::new));
    if (!errors.isEmpty()) {
      throw new IOException(String.join("\n", errors));
    }
    Files.move(
        FOLDER.resolve(soname + ".part"),
        FOLDER.resolve(soname),
        StandardCopyOption.REPLACE_EXISTING,
        StandardCopyOption.ATOMIC_MOVE);
  }

  /** What JCuda's library imports of the driver and the double does not have: "not supported". */
  private static String stubs(Headers nvidia) throws IOException {
    String file = LibUtils.createLibraryFileName("JCudaDriver-12.6.0-linux-x86_64");
    Path library = FOLDER.resolve(file);
    try (InputStream in = LibUtils.class.getResourceAsStream("/lib/" + file)) {
      Files.copy(in, library, StandardCopyOption.REPLACE_EXISTING);
    }
    String own = Files.readString(FOLDER.resolve("driver.cpp"));
    StringBuilder stubs = new StringBuilder();
    for (String line : output(FOLDER, "nm", "-D", "--undefined-only", file)) {
      String name = line.strip().replaceFirst("^U ", "").replaceFirst("@.*", "");
      if (name.startsWith("cu") && !own.contains(" " + name + "(")) {
        stubs
            .append("extern \"C\" __attribute__((visibility(\"default\"))) int ")
            .append(name)
            .append("() { return ")
            .append(nvidia.numbers().get("CUDA_ERROR_NOT_SUPPORTED"))
            .append("; }\n");
      }
    }
    return stubs.toString();
  }

  /** Runs a program; its output when it fails, nothing when it does not. */
  public static List<String> run(Path directory, String... command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .start();
      List<String> lines = process.inputReader().lines().toList();
      return process.waitFor() == 0 ? List.of() : lines.isEmpty() ? List.of("failed") : lines;
    } catch (IOException e) {
      return List.of(e.getMessage());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<String> output(Path directory, String... command) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.inputReader().lines().toList();
  }
}
