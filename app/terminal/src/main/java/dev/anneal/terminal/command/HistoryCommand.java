package dev.anneal.terminal.command;

import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code history}: what was typed. */
@Command(
    name = "history",
    description = "List what was typed at the prompt, oldest first.",
    footer = {"", "Example:", "  history 20"})
final class HistoryCommand extends ShellCommand {
  @Parameters(arity = "0..1", paramLabel = "N", description = "the last N; all by default")
  private Optional<Integer> count = Optional.empty();

  HistoryCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    List<String> lines = shell().history();
    int from = Math.max(0, lines.size() - count.orElse(lines.size()));
    for (int i = from; i < lines.size(); i++) {
      if (asJson()) {
        print(json("typed").put("number", i + 1).put("text", lines.get(i)));
      } else {
        say("%5d  %s", i + 1, lines.get(i));
      }
    }
    return 0;
  }
}
