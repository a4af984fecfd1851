package dev.anneal.terminal.command;

import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import picocli.CommandLine.Command;

/** {@code quit}: the end. */
@Command(
    name = "quit",
    aliases = "exit",
    description = "Leave; a live run is stopped and saved.",
    footer = {"", "Example:", "  quit"})
final class QuitCommand extends ShellCommand {
  QuitCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    shell().quit();
    return 0;
  }
}
