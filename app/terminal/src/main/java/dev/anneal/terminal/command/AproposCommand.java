package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.run.LiveSetting;
import dev.anneal.terminal.shell.Language;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;

/** {@code apropos}: commands, options and settings by what they are about. */
@Command(
    name = "apropos",
    description = "Find commands, options and settings whose names or descriptions have a word.",
    footer = {"", "Examples:", "  apropos temperature", "  apropos --json rate"})
final class AproposCommand extends ShellCommand {
  @Parameters(
      arity = "0..1",
      paramLabel = "WORD",
      description = "or part of one; without it, all that can be found is counted")
  private Optional<String> word = Optional.empty();

  private int found;

  AproposCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    Map<String, CommandLine> commands = Language.line(shell()).getSubcommands();
    if (word.isEmpty()) {
      return count(commands);
    }
    String wanted = word.get().toLowerCase(Locale.ROOT);
    commands.forEach(
        (name, line) -> {
          if ((name + " " + Language.summary(line)).toLowerCase(Locale.ROOT).contains(wanted)) {
            found(name, Language.summary(line));
          }
          for (OptionSpec option : line.getCommandSpec().options()) {
            String description =
                java.util.Arrays.stream(option.description()).collect(Collectors.joining(" "));
            String text = option.longestName() + " " + description;
            if (text.toLowerCase(Locale.ROOT).contains(wanted)) {
              found(name + " " + option.longestName(), description);
            }
          }
        });
    for (LiveSetting setting : LiveSetting.values()) {
      if ((setting.key() + " " + setting.description()).contains(wanted)) {
        found("set " + setting.key(), setting.description());
      }
    }
    if (found == 0) {
      throw Failure.failed(
          "nothing is named or described with '" + word.get() + "'; help lists the commands");
    }
    return 0;
  }

  /** What could be found, since no word says what to find. */
  private int count(Map<String, CommandLine> commands) {
    int options =
        commands.values().stream().mapToInt(c -> c.getCommandSpec().options().size()).sum();
    if (asJson()) {
      print(
          json("searchable")
              .put("commands", commands.size())
              .put("options", options)
              .put("settings", LiveSetting.values().length));
    } else {
      say(
          "apropos WORD looks through %d commands, their %d options and %d settings;"
              + " help lists the commands",
          commands.size(), options, LiveSetting.values().length);
    }
    return 0;
  }

  private void found(String name, String description) {
    found++;
    if (asJson()) {
      print(json("found").put("name", name).put("description", description));
    } else {
      say("%-28s %s", name, description);
    }
  }
}
