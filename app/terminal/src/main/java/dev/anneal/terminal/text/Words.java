package dev.anneal.terminal.text;

import dev.anneal.failure.Failure;
import java.util.ArrayList;
import java.util.List;

/**
 * Splits what a user typed into commands and these into words, as a Unix shell would: blanks
 * separate words, {@code ;} or a line's end separates commands, {@code '…'} is literal, {@code \}
 * makes the next character literal outside of these, {@code #} at a word's beginning starts a
 * comment.
 */
public final class Words {

  /** A quote is open, or the last line ends in {@code \}: more is to come. */
  public static final class Unfinished extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unfinished(String what) {
      super(what);
    }
  }

  private final String text;
  private final List<List<String>> commands = new ArrayList<>();
  private List<String> words = new ArrayList<>();
  private final StringBuilder word = new StringBuilder();
  private boolean inWord;
  private int wordStart;
  private int at;

  private Words(String text) {
    this.text = text;
  }

  /**
   * The commands of {@code text}, each its words; empty ones are left out.
   *
   * @throws Unfinished when a quote is open at the end
   */
  public static List<List<String>> commands(String text) {
    return new Words(text).parse();
  }

  /**
   * The only command of {@code text}.
   *
   * @throws Failure when a quote is open at the end
   */
  public static List<List<String>> complete(String text) {
    try {
      return commands(text);
    } catch (Unfinished e) {
      throw Failure.usage(e.getMessage() + " in: " + text);
    }
  }

  /**
   * The end of a half-typed line: the words of its last command.
   *
   * @param words at least one; the last is what is being typed, perhaps empty
   * @param start where that one begins in the text
   */
  public record Tail(List<String> words, int start) {}

  /** The last command of {@code text}, whether or not its quotes are closed. */
  public static Tail tail(String text) {
    Words parser = new Words(text);
    try {
      parser.scan();
    } catch (Unfinished e) {
      // What is in the open quote is the last word.
    }
    List<String> words = new ArrayList<>(parser.words);
    words.add(parser.word.toString());
    return new Tail(words, parser.inWord ? parser.wordStart : text.length());
  }

  private List<List<String>> parse() {
    scan();
    endCommand();
    return commands;
  }

  private void begin(int start) {
    if (!inWord) {
      inWord = true;
      wordStart = start;
    }
  }

  private void scan() {
    while (at < text.length()) {
      int start = at;
      char c = text.charAt(at++);
      switch (c) {
        case '\\' -> escape();
        case '\'', '"' -> quoted(c);
        case ' ', '\t', '\r' -> endWord();
        case ';', '\n' -> endCommand();
        case '#' -> {
          if (inWord) {
            word.append(c);
          } else {
            skipComment();
          }
        }
        default -> {
          begin(start);
          word.append(c);
        }
      }
    }
  }

  private void escape() {
    if (at == text.length()) {
      throw new Unfinished("nothing follows \\");
    }
    char next = text.charAt(at++);
    if (next == '\n') {
      // The line goes on.
      return;
    }
    begin(at - 2);
    word.append(next);
  }

  private void quoted(char quote) {
    begin(at - 1);
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == quote) {
        return;
      }
      if (c == '\\' && quote == '"' && at < text.length()) {
        char next = text.charAt(at++);
        switch (next) {
          case 'n' -> word.append('\n');
          case 't' -> word.append('\t');
          case '"', '\\' -> word.append(next);
          default -> word.append('\\').append(next);
        }
      } else {
        word.append(c);
      }
    }
    throw new Unfinished("the quote " + quote + " is not closed");
  }

  private void skipComment() {
    int end = text.indexOf('\n', at);
    at = end < 0 ? text.length() : end;
  }

  private void endWord() {
    if (inWord) {
      words.add(word.toString());
      word.setLength(0);
      inWord = false;
    }
  }

  private void endCommand() {
    endWord();
    if (!words.isEmpty()) {
      commands.add(List.copyOf(words));
      words = new ArrayList<>();
    }
  }

  /** {@code word} as it must be typed. */
  public static String quote(String word) {
    boolean plain =
        !word.isEmpty() && word.chars().noneMatch(c -> " \t\r\n;'\"\\#".indexOf(c) >= 0);
    return plain ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
