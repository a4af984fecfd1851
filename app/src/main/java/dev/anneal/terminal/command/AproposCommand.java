package dev.anneal.terminal.command;

import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;

/** {@code apropos}: commands, options and settings by what they are about. */
@Command(
    name = "apropos",
    description = "Find commands, options and settings whose names or descriptions have a word.",
    footer = {"", "Example:", "  apropos temperature"})
final class AproposCommand extends ShellCommand {
  @Parameters(paramLabel = "WORD", description = "or part of one")
  private String word;

  AproposCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    String wanted = word.toLowerCase(Locale.ROOT);
    Map<String, CommandLine> commands = Commands.line(shell()).getSubcommands();
    commands.forEach(
        (name, line) -> {
          if ((name + " " + HelpCommand.summary(line)).toLowerCase(Locale.ROOT).contains(wanted)) {
            found(name, HelpCommand.summary(line));
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
    for (dev.anneal.session.LiveSetting setting : dev.anneal.session.LiveSetting.values()) {
      if ((setting.key() + " " + setting.description()).contains(wanted)) {
        found("set " + setting.key(), setting.description());
      }
    }
    return 0;
  }

  private void found(String name, String description) {
    if (asJson()) {
      print(json("found").put("name", name).put("description", description));
    } else {
      say("%-28s %s", name, description);
    }
  }
}
