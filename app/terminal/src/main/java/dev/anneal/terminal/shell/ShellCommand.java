package dev.anneal.terminal.shell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.TerminalSize;
import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What every command has: {@code --help}, {@code --json}, its streams, and the shell it acts on.
 */
public abstract class ShellCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private JsonOption json;

  @Option(names = "--help", usageHelp = true, description = "show this")
  private boolean help;

  private final Shell shell;

  public ShellCommand(Shell shell) {
    this.shell = shell;
  }

  protected final Shell shell() {
    return shell;
  }

  /** The live run; without one, the command fails. */
  protected final LiveRun live() {
    return shell.requireLive();
  }

  public final boolean asJson() {
    return json.isSet() || shell.json();
  }

  /** The names of the options that were typed. */
  protected final Set<String> given() {
    return spec.commandLine().getParseResult().matchedOptions().stream()
        .map(CommandLine.Model.OptionSpec::longestName)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** Fails when one of {@code options} was typed, which could not act here. */
  protected final void refuse(String why, String... options) {
    Set<String> given = given();
    for (String option : options) {
      if (given.contains(option)) {
        throw Failure.usage(option + " " + why);
      }
    }
  }

  protected final PrintWriter out() {
    return spec.commandLine().getOut();
  }

  protected final PrintWriter err() {
    return spec.commandLine().getErr();
  }

  /** A line of the result. Control characters in it are shown, never sent. */
  public final void say(String format, Object... values) {
    out().println(String.format(Locale.ROOT, format, values));
    noticeNobody();
  }

  /**
   * A line of the result that goes on in the next where the terminal ends, at a blank.
   *
   * @param indent of the lines after the first
   */
  public final void sayWrapped(String line, int indent) {
    int columns = shell.size().map(TerminalSize::columns).orElse(Integer.MAX_VALUE);
    int deep = columns > 2 * indent ? indent : 0;
    String begin = "";
    for (String part : Cells.wrapWords(line, columns - deep)) {
      say("%s%s", begin, part);
      begin = " ".repeat(deep);
    }
  }

  /** A line beside the results, on what went otherwise than asked. */
  protected final void warn(String text) {
    err().println(shell.errorPrefix() + ": warning: " + text);
    err().flush();
  }

  public final void print(JsonNode node) {
    JsonOption.print(out(), node);
    noticeNobody();
  }

  /** Nobody reads any more, as after {@code | head -1}: the command has nothing left to do. */
  private void noticeNobody() {
    if (shell.nobodyReads()) {
      shell.cancel();
    }
  }

  /** Says what was written, which never goes among what was written. */
  protected final void wrote(OutputFile file, ObjectNode node, String line) {
    PrintWriter to = file.isStandardOutput() ? err() : out();
    if (asJson()) {
      JsonOption.print(to, node);
    } else {
      to.println(line);
      to.flush();
    }
    noticeNobody();
  }

  /** The beginning of a line of JSON. */
  protected static ObjectNode json(String event) {
    return JsonNodeFactory.instance.objectNode().put("event", event);
  }
}
