package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.terminal.shell.Language;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code watch}: a command again and again. */
@Command(
    name = "watch",
    description = "Run a command every few seconds until Ctrl-C, or --count times.",
    footer = {"", "Example:", "  watch -n 5 status"})
final class WatchCommand extends ShellCommand {
  @Option(
      names = "-n",
      paramLabel = "SECONDS",
      defaultValue = "2",
      description = "${DEFAULT-VALUE} by default")
  private double seconds;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "0",
      description = "0, the default, for no end")
  private int count;

  @Parameters(arity = "1..*", paramLabel = "COMMAND", description = "what to run")
  private List<String> words = List.of();

  WatchCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (!(seconds > 0)) {
      throw Failure.usage("-n is " + seconds + "; expected a positive number of seconds");
    }
    for (int i = 0; count == 0 || i < count; i++) {
      int code = Language.execute(shell(), words);
      if (code != 0 || shell().isCancelled()) {
        return shell().isCancelled() ? 0 : code;
      }
      if (count == 0 || i + 1 < count) {
        shell().sleep(seconds);
      }
      if (shell().isCancelled()) {
        return 0;
      }
    }
    return 0;
  }
}
