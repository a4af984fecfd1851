package dev.anneal.terminal.command;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Streams;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code jshell}: Java's own prompt, a process beside this one, with what this one is made of. */
@Command(
    name = "jshell",
    description = "Open JShell with Anneal's classes on its path, and imported.",
    footer = {"", "Examples:", "  anneal jshell", "  anneal jshell snippets.jsh"})
final class JShellCommand extends ShellCommand {
  /** Options of this JVM that every JVM with Anneal in it needs, wherever the code runs. */
  private static final List<String> NEEDED =
      List.of("--enable-native-access", "-XX:+UseSerialGC", "-XX:CompileCommand", "-Xm", "-Xss");

  private static final String VECTORS = "--add-modules=jdk.incubator.vector";

  @Parameters(paramLabel = "FILE", description = "snippets to run first; - reads standard input")
  private List<String> files = List.of();

  JShellCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (shell().use() != Shell.Use.ONCE) {
      throw Failure.usage("jshell has a prompt of its own; start it by anneal jshell");
    }
    Path program = Path.of(System.getProperty("java.home"), "bin", "jshell");
    if (!Files.isExecutable(program)) {
      throw new Failure(
          ExitCode.BACKEND,
          "there is no JShell beside this Java, " + program + "; start Anneal with a whole JDK");
    }
    try {
      Path imports = Files.createTempFile("anneal", ".jsh");
      try {
        copyImports(imports);
        return run(command(program, imports));
      } finally {
        Files.delete(imports);
      }
    } catch (IOException e) {
      throw FileFailures.cannotWrite(program, e);
    } catch (InterruptedException e) {
      throw new Failure(ExitCode.INTERRUPTED, "cancelled", e);
    }
  }

  private static void copyImports(Path to) throws IOException {
    try (InputStream imports =
        requireNonNull(JShellCommand.class.getResourceAsStream("imports.jsh"))) {
      Files.copy(imports, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /**
   * Started by the launcher, this is one jar, which names the libraries beside it. The engine's
   * among them does the same, so that no terminal comes along.
   */
  private static String classPath() {
    String all = System.getProperty("java.class.path");
    CodeSource engine = dev.anneal.Anneal.class.getProtectionDomain().getCodeSource();
    return all.contains(File.pathSeparator)
        ? all
        : Path.of(URI.create(engine.getLocation().toString())).toString();
  }

  private List<String> command(Path program, Path imports) {
    List<String> command =
        new ArrayList<>(
            List.of(
                program.toString(),
                "--class-path",
                classPath(),
                VECTORS,
                "-R" + VECTORS,
                "--startup",
                "DEFAULT",
                "--startup",
                imports.toString()));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> NEEDED.stream().anyMatch(option::startsWith))
        .forEach(option -> command.add("-R" + option));
    // Without a person there is no banner, no prompt and no echo.
    if (!Streams.isTerminal(0)) {
      command.add("-s");
    }
    command.addAll(files.isEmpty() && !Streams.isTerminal(0) ? List.of("-") : files);
    return command;
  }

  private int run(List<String> command) throws IOException, InterruptedException {
    out().flush();
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    int kept = Integer.getInteger("anneal.stderr", 2);
    if (kept != 2) {
      builder.redirectError(new File("/dev/fd/" + kept));
    }
    return builder.start().waitFor();
  }
}
