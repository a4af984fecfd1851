package dev.anneal.terminal.shell;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.TextLines;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.text.Words;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Commands from a file, a pipe or an argument. The first that fails ends the script with its exit
 * code, after {@code FILE:LINE: message} on standard error.
 */
public final class Script {
  /** Characters to look at for one command: all of its lines again with each that is added. */
  private static final long MOST_WORK = 1 << 26;

  private Script() {}

  /** Where the next line comes from; empty at the end. */
  private interface Next {
    Optional<String> line() throws IOException;
  }

  public static int run(Shell shell, Path file, boolean keepGoing) {
    try (ScriptLines lines = new ScriptLines(shell, () -> TextLines.ofScript(file))) {
      return run(shell, file.toString(), lines::next, keepGoing);
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  /** Runs the commands of one argument. */
  public static int run(Shell shell, String commands, boolean keepGoing) {
    try (BufferedReader reader = new BufferedReader(new StringReader(commands))) {
      return run(shell, "-c", () -> Optional.ofNullable(reader.readLine()), keepGoing);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs what comes from standard input. */
  public static int run(Shell shell, ScriptLines lines, boolean keepGoing) throws IOException {
    return run(shell, "stdin", lines::next, keepGoing);
  }

  /**
   * Runs the lines as they come; a line with an open quote, or that ends in {@code \}, goes on in
   * the next one.
   *
   * @return the exit code of the first command that failed, or 0
   */
  private static int run(Shell shell, String name, Next next, boolean keepGoing)
      throws IOException {
    String outer = shell.errorPrefix();
    int worst = 0;
    int number = 0;
    int first = 0;
    StringBuilder pending = new StringBuilder();
    long work = 0;
    try {
      for (Optional<String> line = next.line(); line.isPresent(); line = next.line()) {
        number++;
        if (pending.isEmpty()) {
          first = number;
        } else {
          pending.append('\n');
        }
        pending.append(line.get());
        List<List<String>> commands;
        try {
          commands = Words.commands(pending.toString());
        } catch (Words.Unfinished e) {
          work += pending.length();
          if (work > MOST_WORK) {
            throw Failure.usage(
                "%s:%d: the quote that opens here is not closed in %d lines"
                    .formatted(name, first, number - first + 1));
          }
          continue;
        }
        pending.setLength(0);
        work = 0;
        shell.setErrorPrefix(name + ":" + first);
        int code = run(shell, commands, keepGoing);
        worst = worst == 0 ? code : worst;
        if (shell.isQuitting() || code != 0 && !keepGoing) {
          return worst;
        }
      }
      if (!pending.isEmpty() && !shell.isQuitting()) {
        shell.setErrorPrefix(name + ":" + first);
        shell.err().println(shell.errorPrefix() + ": the quote that opens here is not closed");
        return worst == 0 ? 2 : worst;
      }
      return worst;
    } finally {
      shell.setErrorPrefix(outer);
    }
  }

  private static int run(Shell shell, List<List<String>> commands, boolean keepGoing) {
    int worst = 0;
    for (List<String> words : commands) {
      int code = Language.execute(shell, words);
      worst = worst == 0 ? code : worst;
      if (shell.nobodyReads()) {
        // Nor would anybody read what the next ones say.
        shell.quit();
      }
      if (shell.isQuitting() || code != 0 && !keepGoing) {
        return worst;
      }
    }
    return worst;
  }
}
