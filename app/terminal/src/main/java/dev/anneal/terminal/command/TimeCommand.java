package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.anneal.terminal.shell.Language;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code time}: how long a command takes. */
@Command(
    name = "time",
    description = "Run a command and say how long it took.",
    footer = {"", "Example:", "  time step 10"})
final class TimeCommand extends ShellCommand {
  @Parameters(arity = "1..*", paramLabel = "COMMAND", description = "what to run")
  private List<String> words = List.of();

  TimeCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    long start = System.nanoTime();
    int code = Language.execute(shell(), words);
    double ms = (System.nanoTime() - start) / 1e6;
    if (asJson()) {
      print(JsonNodeFactory.instance.objectNode().put("event", "time").put("ms", ms));
    } else {
      say("%.1f ms", ms);
    }
    return code;
  }
}
