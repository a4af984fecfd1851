package dev.anneal.terminal.repl;

import dev.anneal.terminal.screen.Tty;
import dev.anneal.terminal.shell.CommandTable;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.TerminalType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jline.keymap.KeyMap;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReader.Option;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.Widget;
import org.jline.reader.impl.LineReaderImpl;
import org.jline.reader.impl.history.DefaultHistory;
import org.jline.widget.AutosuggestionWidgets;

/**
 * Lines from the terminal, edited with JLine: completion, history with prefix search and Ctrl-R,
 * suggestions from the history as ghost text, several lines while a quote is open. What a
 * background run says appears above the line that is being typed, and the prompt follows the run.
 */
final class LineInput {
  private static final long PROMPT_MILLIS = 500;
  private static final int HISTORY_LINES = 2000;
  private static final int LEAST_COLUMNS = 20;

  private final LineReaderImpl reader;
  private final LineReaderImpl questions;

  /** Whether what was printed can be changed; elsewhere lines only follow each other. */
  private final boolean editable = !TerminalType.isDumb(System.getenv());

  private volatile Supplier<String> prompt = () -> "";

  LineInput(Tty tty, Shell shell) {
    reader = reader(tty);
    reader.setParser(new LineParser());
    reader.setCompleter(new LineCompleter(shell));
    reader.setHighlighter(new CommandHighlighter(shell));
    historyFile().ifPresent(file -> reader.setVariable(LineReader.HISTORY_FILE, file));
    reader.setVariable(LineReader.HISTORY_SIZE, HISTORY_LINES);
    reader.setVariable(LineReader.SECONDARY_PROMPT_PATTERN, "%P  > ");
    reader.setVariable(LineReader.BELL_STYLE, "none");
    reader.option(Option.DISABLE_EVENT_EXPANSION, true);
    reader.option(Option.HISTORY_IGNORE_SPACE, true);
    reader.option(Option.HISTORY_IGNORE_DUPS, true);
    reader.option(Option.CASE_INSENSITIVE_SEARCH, true);
    reader.setHistory(new DefaultHistory());
    KeyMap<org.jline.reader.Binding> keys =
        java.util.Objects.requireNonNull(reader.getKeyMaps().get(LineReader.MAIN));
    PrefixSearch search = new PrefixSearch(reader);
    keys.bind((Widget) search::up, "\033[A", "\033OA");
    keys.bind((Widget) search::down, "\033[B", "\033OB");
    keys.bind((Widget) () -> complete(shell), "\t");
    new AutosuggestionWidgets(reader).enable();
    questions = reader(tty);
    questions.option(Option.DISABLE_EVENT_EXPANSION, true);
    questions.setVariable(LineReader.DISABLE_HISTORY, true);
    questions.setVariable(LineReader.BELL_STYLE, "none");
    shell.onNotice(this::above);
    shell.answersFrom(this::ask);
    shell.historyFrom(this::history);
    if (editable) {
      Thread.ofPlatform().daemon().name("anneal-prompt").start(this::followRun);
    }
  }

  /** On an empty line, all commands and what they do; else what the line could become. */
  private boolean complete(Shell shell) {
    if (reader.getBuffer().toString().isBlank()) {
      int width = Math.max(LEAST_COLUMNS, reader.getTerminal().getWidth());
      reader.printAbove(String.join("\n", CommandTable.of(shell, width)));
      return true;
    }
    reader.callWidget(LineReader.EXPAND_OR_COMPLETE);
    return true;
  }

  private static LineReaderImpl reader(Tty tty) {
    // Prompts and the lines above one are the implementation's own.
    return (LineReaderImpl) LineReaderBuilder.builder().terminal(tty.terminal()).build();
  }

  /** A home that cannot be written to costs only the history. */
  private static Optional<Path> historyFile() {
    String home = System.getenv().getOrDefault("XDG_STATE_HOME", "");
    Path folder =
        home.isEmpty() ? Path.of(System.getProperty("user.home"), ".local/state") : Path.of(home);
    Path anneal = folder.resolve("anneal");
    try {
      Files.createDirectories(anneal);
    } catch (IOException e) {
      return Optional.empty();
    }
    return Files.isWritable(anneal) ? Optional.of(anneal.resolve("history")) : Optional.empty();
  }

  private List<String> history() {
    List<String> lines = new ArrayList<>();
    reader.getHistory().forEach(entry -> lines.add(entry.line()));
    return lines;
  }

  /** The next line. */
  String read(Supplier<String> newPrompt) {
    prompt = newPrompt;
    return reader.readLine(newPrompt.get());
  }

  /** An answer; empty after Ctrl-D, blank after Ctrl-C. */
  Optional<String> ask(String question) {
    try {
      return Optional.of(questions.readLine(question));
    } catch (UserInterruptException e) {
      return Optional.of("");
    } catch (EndOfFileException e) {
      return Optional.empty();
    }
  }

  /** Above the line that is being typed, when there is one. */
  private void above(String text) {
    LineReaderImpl typing = questions.isReading() ? questions : reader;
    if (typing.isReading() && editable) {
      typing.printAbove(text);
    } else {
      if (typing.isReading()) {
        reader.getTerminal().writer().println();
      }
      reader.getTerminal().writer().println(text);
      reader.getTerminal().writer().flush();
    }
  }

  /** The prompt says where the run is, also while nobody types. */
  private void followRun() {
    String shown = "";
    try {
      while (true) {
        Thread.sleep(PROMPT_MILLIS);
        String now = prompt.get();
        if (!now.equals(shown) && reader.isReading()) {
          reader.setPrompt(now);
          redraw();
          shown = now;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void redraw() {
    try {
      reader.callWidget(LineReader.REDISPLAY);
    } catch (IllegalStateException e) {
      // The line was entered just now.
    }
  }
}
