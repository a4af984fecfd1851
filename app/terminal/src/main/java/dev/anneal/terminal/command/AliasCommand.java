package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Words;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code alias}: names for commands. */
@Command(
    name = "alias",
    description = "Name one or several commands; what follows the name is added to the last.",
    footer = {"", "Examples:", "  alias", "  alias s sample --tokens 40", "  alias --remove s"})
final class AliasCommand extends ShellCommand {
  @Parameters(index = "0", arity = "0..1", paramLabel = "NAME", description = "the alias")
  private Optional<String> name = Optional.empty();

  @Parameters(index = "1..*", paramLabel = "COMMAND", description = "what it stands for")
  private List<String> words = List.of();

  @Option(names = "--remove", paramLabel = "NAME", description = "forget an alias")
  private Optional<String> remove = Optional.empty();

  AliasCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (remove.isPresent()) {
      if (shell().aliases().remove(remove.get()) == null) {
        throw Failure.usage("there is no alias " + remove.get());
      }
      return 0;
    }
    if (name.isEmpty()) {
      shell().aliases().forEach(this::list);
      return 0;
    }
    if (words.isEmpty()) {
      String text = shell().aliases().get(name.get());
      if (text == null) {
        throw Failure.usage("there is no alias " + name.get());
      }
      list(name.get(), text);
      return 0;
    }
    String text =
        words.size() == 1
            ? words.getFirst()
            : words.stream().map(Words::quote).collect(Collectors.joining(" "));
    if (Words.complete(text).isEmpty()) {
      throw Failure.usage("the alias " + name.get() + " stands for no command");
    }
    shell().aliases().put(name.get(), text);
    return 0;
  }

  private void list(String alias, String text) {
    if (asJson()) {
      print(json("alias").put("name", alias).put("commands", text));
    } else {
      say("alias %s %s", alias, text);
    }
  }
}
