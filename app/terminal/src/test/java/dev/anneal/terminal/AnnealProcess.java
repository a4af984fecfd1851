package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** The program as the launcher starts it, from the classes under test. */
public final class AnnealProcess {
  /** What ends a process that hangs, however busy the machine is. */
  private static final long MOST_SECONDS = 300;

  private AnnealProcess() {}

  /** How a process ended. */
  public record Result(int code, byte[] outBytes, byte[] errBytes) {
    public String out() {
      return new String(outBytes, StandardCharsets.UTF_8);
    }

    public String err() {
      return new String(errBytes, StandardCharsets.UTF_8);
    }
  }

  /** The JVM of these tests and the flags of the launcher; the program's arguments follow. */
  public static List<String> command(Class<?> main) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "@" + Launcher.options(),
        // A test runs for seconds: the second compiler would only take processors from others.
        "-XX:TieredStopAtLevel=1",
        "-Danneal.stderr=3",
        "-cp",
        classPath().stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)),
        main.getName());
  }

  /** Where the classes of these tests are, from any folder. */
  static List<Path> classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(entry -> Path.of(entry).toAbsolutePath().normalize())
        .toList();
  }

  /** The same as a line for a shell. */
  public static String line(Class<?> main, String... arguments) {
    List<String> words = new ArrayList<>(command(main));
    words.addAll(List.of(arguments));
    return String.join(" ", words.stream().map(AnnealProcess::quote).toList())
        + " 3>&2 2>/dev/null";
  }

  public static String quote(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }

  /** Runs a line of bash in a folder, in which {@code anneal} is the program. */
  public static Result shell(
      Path folder, Map<String, String> environment, String input, String line)
      throws IOException, InterruptedException {
    Path program = folder.resolve("anneal");
    Files.writeString(
        program, "#!/bin/sh\nexec " + line(Anneal.class).replace(" 3>&2", " \"$@\" 3>&2") + "\n");
    assertTrue(program.toFile().setExecutable(true));
    return bash(folder, environment, input, line);
  }

  /** Runs a line of bash in a folder, whose programs are found first. */
  static Result bash(Path folder, Map<String, String> environment, String input, String line)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile(folder, "out", "");
    Path err = Files.createTempFile(folder, "err", "");
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", "PATH=$PWD:$PATH; " + line)
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().putAll(Map.of("LC_ALL", "C.UTF-8", "TERM", "xterm-256color"));
    builder.environment().keySet().removeAll(List.of("NO_COLOR", "COLORTERM"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    try (OutputStream in = process.getOutputStream()) {
      in.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // It ended without reading all of it.
    }
    if (!process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      throw new AssertionError(line + " does not end\n" + read(out) + read(err));
    }
    return new Result(process.exitValue(), Files.readAllBytes(out), Files.readAllBytes(err));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
