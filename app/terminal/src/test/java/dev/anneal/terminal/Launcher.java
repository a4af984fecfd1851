package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;

/**
 * The launcher of the sources, installed in a folder as an image is: it starts the classes under
 * test on the JVM of these tests.
 */
public record Launcher(Path home) {

  /** Installs it; the folder is made. */
  public static Launcher install(Path home) throws IOException {
    Files.createDirectories(home.resolve("runtime/bin"));
    Files.createDirectories(home.resolve("app"));
    Path script = home.resolve("anneal");
    Files.copy(source(), script);
    Files.copy(options(), home.resolve("jvm.options"));
    assertTrue(script.toFile().setExecutable(true));
    // Not a link: the JVM looks for its libraries beside the file that a link names.
    Path java = home.resolve("runtime/bin/java");
    Files.writeString(
        java,
        "#!/bin/sh\nexec "
            + AnnealProcess.quote(System.getProperty("java.home") + "/bin/java")
            + " -XX:TieredStopAtLevel=1 \"$@\"\n");
    assertTrue(java.toFile().setExecutable(true));
    jar(home.resolve("app/anneal.jar"));
    // Empty and newer: an archive of classes that could not be made.
    Files.writeString(home.resolve("app/anneal.jsa"), "");
    return new Launcher(home);
  }

  /** The script in the sources. */
  public static Path source() {
    return Path.of("../..", "anneal").toAbsolutePath().normalize();
  }

  /** What every JVM is started with, as {@code java} takes it after an @. */
  public static Path options() {
    return Path.of("../..", "jvm.options").toAbsolutePath().normalize();
  }

  private static void jar(Path file) throws IOException {
    Manifest manifest = new Manifest();
    Attributes attributes = manifest.getMainAttributes();
    attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    attributes.put(Attributes.Name.MAIN_CLASS, Anneal.class.getName());
    attributes.put(
        Attributes.Name.CLASS_PATH,
        AnnealProcess.classPath().stream()
            .map(entry -> entry.toUri().toString())
            .collect(Collectors.joining(" ")));
    try (OutputStream out = Files.newOutputStream(file)) {
      new JarOutputStream(out, manifest).close();
    }
  }

  /** Runs a line of bash in a folder, in which {@code anneal} starts this. */
  public AnnealProcess.Result bash(Path folder, Map<String, String> environment, String line)
      throws IOException, InterruptedException {
    Path program = folder.resolve("anneal");
    Files.writeString(
        program,
        "#!/bin/sh\nexec " + AnnealProcess.quote(home.resolve("anneal").toString()) + " \"$@\"\n");
    assertTrue(program.toFile().setExecutable(true));
    return AnnealProcess.bash(folder, environment, "", line);
  }

  /** The same, for a line that must go well; what it prints. */
  public String ok(Path folder, String line) throws IOException, InterruptedException {
    AnnealProcess.Result result = bash(folder, Map.of(), line);
    assertTrue(result.code() == 0, line + "\ncode " + result.code() + "\n" + result.err());
    return result.out();
  }
}
