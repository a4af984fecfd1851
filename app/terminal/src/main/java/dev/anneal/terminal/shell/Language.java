package dev.anneal.terminal.shell;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.PathName;
import dev.anneal.failure.Exhausted;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.setting.Nearest;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.terminal.text.Printable;
import dev.anneal.terminal.text.Words;
import java.nio.file.InvalidPathException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** How a command is run: the same for the command line, scripts and the prompt. */
public final class Language {
  private static final int ALIAS_DEPTH = 16;

  private Language() {}

  /** What a prompt or a script takes: a command. */
  @Command(name = "anneal", description = "Commands at the prompt and in scripts.")
  private static final class Line implements Runnable {
    @Option(
        names = "--debug",
        scope = CommandLine.ScopeType.INHERIT,
        description = "show the stack trace of an error")
    private boolean debug;

    @Override
    public void run() {}
  }

  /** An option that is given twice makes picocli forget all of its group that was given before. */
  private static int onceEach(CommandLine.ParseResult result) {
    if (result.hasSubcommand()) {
      CommandLine.ParseResult command = result.subcommand();
      for (ArgGroupSpec group : command.commandSpec().argGroups()) {
        Set<ArgSpec> given = new HashSet<>();
        command.findMatches(group).stream()
            .flatMap(container -> container.matches().stream())
            .flatMap(match -> group.args().stream().filter(o -> !match.matchedValues(o).isEmpty()))
            .filter(option -> !given.add(option))
            .findFirst()
            .ifPresent(option -> refuseTwice(command, (OptionSpec) option));
      }
    }
    return new CommandLine.RunLast().execute(result);
  }

  private static void refuseTwice(CommandLine.ParseResult command, OptionSpec option) {
    throw new ParameterException(
        command.commandSpec().commandLine(),
        "option '" + option.longestName() + "' is given more than once");
  }

  /** The first sentence of a command's description. */
  public static String summary(CommandLine line) {
    String[] description = line.getCommandSpec().usageMessage().description();
    String text = description.length == 0 ? "" : description[0];
    int end = text.indexOf(". ");
    return end < 0 ? text : text.substring(0, end + 1);
  }

  /** The commands as the prompt and scripts know them. */
  public static CommandLine line(Shell shell) {
    Line options = new Line();
    CommandLine line = new CommandLine(options);
    shell.commands().addTo(line, shell);
    return line.setOut(shell.out())
        .setErr(shell.err())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setAbbreviatedSubcommandsAllowed(
            shell.use() == Shell.Use.PROMPT || shell.use() == Shell.Use.DASHBOARD)
        .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
        .setExecutionStrategy(Language::onceEach)
        .setParameterExceptionHandler((e, arguments) -> usage(e, shell))
        .setExecutionExceptionHandler(
            (e, command, result) -> failed(e, shell, shell.debug() || options.debug));
  }

  /**
   * Runs one command; what goes wrong is said in one line.
   *
   * @return its exit code
   */
  public static int execute(Shell shell, List<String> words) {
    return execute(shell, words, 0);
  }

  private static int execute(Shell shell, List<String> words, int depth) {
    String first = words.getFirst();
    Optional<String> alias = Optional.ofNullable(shell.aliases().get(first));
    if (alias.isPresent() && depth < ALIAS_DEPTH) {
      int code = 0;
      List<List<String>> commands = Words.complete(alias.get());
      for (int i = 0; i < commands.size() && code == 0; i++) {
        List<String> expanded = new ArrayList<>(commands.get(i));
        if (i == commands.size() - 1) {
          expanded.addAll(words.subList(1, words.size()));
        }
        // An alias may be named like the command that it is for.
        int next = expanded.getFirst().equals(first) ? ALIAS_DEPTH : depth + 1;
        code = execute(shell, expanded, next);
      }
      return code;
    }
    List<String> arguments = new ArrayList<>(words);
    if (first.equals("?")) {
      arguments.set(0, "help");
    }
    shell.commandBegins();
    try {
      int code = line(shell).execute(arguments.toArray(String[]::new));
      // What ends because nobody reads it any more has not failed.
      return code == ExitCode.INTERRUPTED.code() && shell.nobodyReads() ? 0 : code;
    } catch (VirtualMachineError e) {
      return failed(Exhausted.of(e), shell, shell.debug());
    } finally {
      shell.commandEnds();
      shell.out().flush();
    }
  }

  private static int usage(ParameterException e, Shell shell) {
    if (e.getCause() instanceof Failure failure) {
      return failed(failure, shell, shell.debug());
    }
    String message =
        switch (e) {
          case UnmatchedArgumentException unmatched -> unmatched(unmatched);
          default -> choice(e).orElseGet(() -> firstLine(e));
        };
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    String explains =
        shell.use() == Shell.Use.ONCE
            ? command + " --help"
            : command.contains(" ")
                ? "help " + command.substring(command.indexOf(' ') + 1)
                : "help";
    say(shell, message + (message.endsWith("?") ? "" : ";") + " see " + explains);
    return ExitCode.USAGE.code();
  }

  private static String unmatched(UnmatchedArgumentException e) {
    String word = e.getUnmatched().getFirst();
    CommandLine line = e.getCommandLine();
    if (!word.startsWith("-")) {
      return line.getParent() == null
          ? "there is no command " + word + Nearest.to(word, line.getSubcommands().keySet())
          : "'" + word + "' is one word too many";
    }
    List<String> options =
        line.getCommandSpec().options().stream().map(OptionSpec::longestName).toList();
    String name = word.contains("=") ? word.substring(0, word.indexOf('=')) : word;
    return "there is no option " + name + Nearest.to(name, options);
  }

  /** What an option or a parameter can be that takes one of a few words. */
  private static Optional<String> choice(ParameterException e) {
    Optional<ArgSpec> argument = Optional.ofNullable(e.getArgSpec());
    Optional<String> value = Optional.ofNullable(e.getValue());
    List<String> words =
        argument
            .map(ArgumentValues::typed)
            .orElse(Stream.empty())
            .map(Candidates.Candidate::word)
            .toList();
    if (words.isEmpty() || value.isEmpty()) {
      return Optional.empty();
    }
    String name =
        argument.get() instanceof OptionSpec option
            ? option.longestName()
            : argument.get().paramLabel();
    return Optional.of(
        name
            + " is '"
            + value.get()
            + "'"
            + Nearest.among(value.get().toLowerCase(Locale.ROOT), words));
  }

  private static String firstLine(ParameterException e) {
    return requireNonNull(e.getMessage()).lines().findFirst().orElse("").strip();
  }

  /** Tells how a command failed, and gives its exit code. */
  public static int failed(Exception e, Shell shell, boolean debug) {
    if (debug) {
      e.printStackTrace(shell.err());
    }
    if (e instanceof Failure failure) {
      say(shell, Dashes.in(failure));
      return failure.exitCode().code();
    }
    if (e instanceof InvalidPathException path) {
      return failed(PathName.refused(path), shell, false);
    }
    say(shell, e + (debug ? "" : "; this is a fault of ours: --debug shows where"));
    return ExitCode.FAILED.code();
  }

  private static void say(Shell shell, String message) {
    shell.err().println(shell.errorPrefix() + ": " + Printable.line(message));
    shell.err().flush();
  }
}
