package dev.anneal.hip;

import dev.anneal.failure.Failure;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SharedLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The process that {@link HipCompiler} starts: LIBRARY NAME TARGET SOURCE IMAGE OPTION... Its exit
 * code is 0, or {@link #REFUSED} with the reason as the last line that it prints, or whatever a
 * crash leaves.
 */
final class HipCompilerProcess {
  static final int REFUSED = 10;

  private static final int FIXED = 5;

  private HipCompilerProcess() {}

  public static void main(String[] arguments) throws IOException {
    Path library = Path.of(arguments[0]);
    List<String> options = List.of(arguments).subList(FIXED, arguments.length);
    try {
      SharedLibrary found =
          new LibraryLocator(List.of(), "")
              .find(List.of(library.toString()), "")
              .orElseThrow(() -> Failure.failed("cannot load " + library));
      byte[] image =
          HipCompiler.bind(found)
              .compile(
                  new KernelSource(arguments[1], Files.readString(Path.of(arguments[3]))),
                  options,
                  HipCompiler.CODE,
                  arguments[2]);
      Files.write(Path.of(arguments[4]), image);
    } catch (Failure e) {
      System.out.println(e.getMessage());
      System.exit(REFUSED);
    }
  }
}
