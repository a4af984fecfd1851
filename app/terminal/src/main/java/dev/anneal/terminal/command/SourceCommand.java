package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.terminal.shell.Script;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code source}: commands from a file. */
@Command(
    name = "source",
    description = "Run the commands in a file; the first that fails ends it.",
    footer = {"", "Example:", "  source setup.anneal"})
final class SourceCommand extends ShellCommand {
  private static final int DEPTH = 16;

  @Parameters(paramLabel = "FILE", description = "a command per line, or several with ;")
  private Path file;

  @Option(names = "--keep-going", description = "go on after a command that fails")
  private boolean keepGoing;

  SourceCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (shell().depth() > DEPTH) {
      throw Failure.usage(file + " is sourced by itself, " + DEPTH + " times over");
    }
    return Script.run(shell(), file, keepGoing);
  }
}
