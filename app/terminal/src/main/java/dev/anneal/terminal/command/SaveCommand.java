package dev.anneal.terminal.command;

import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code save}: a checkpoint now. */
@Command(
    name = "save",
    description = "Write a checkpoint of the live run now, into its directory.",
    footer = {"", "Example:", "  save"})
final class SaveCommand extends ShellCommand {
  SaveCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    Optional<Event.Saved> saved = shell().await(live().session().save());
    if (saved.isEmpty()) {
      if (!asJson()) {
        say("this step is saved already");
      }
      return 0;
    }
    if (asJson()) {
      print(EventJson.write(saved.get()));
    } else {
      say("saved %s (%s)", saved.get().checkpoint(), Amounts.bytes(saved.get().bytes()));
    }
    return 0;
  }
}
