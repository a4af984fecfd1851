package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code branch}: another future. */
@Command(
    name = "branch",
    description =
        "Go on from the present step as a new run in a directory beside this one; this run stays as"
            + " it was saved.",
    footer = {"", "Example:", "  rewind 400; branch warmer; set lr 8e-3; resume"})
final class BranchCommand extends ShellCommand {
  @Parameters(paramLabel = "NAME", description = "of the new run")
  private String name;

  BranchCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    Path to = live().branch(name);
    if (asJson()) {
      print(
          JsonNodeFactory.instance
              .objectNode()
              .put("event", "branched")
              .put("directory", to.toString()));
    } else {
      say("on as %s", to);
    }
    return 0;
  }
}
