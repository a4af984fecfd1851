package dev.anneal.terminal.repl;

import dev.anneal.terminal.text.Words;
import java.util.List;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.EOFError;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;

/** Commands as {@link Words} splits them; an open quote goes on in the next line. */
final class LineParser implements Parser {

  private record Line(String line, int cursor, Words.Tail tail) implements CompletingParsedLine {
    @Override
    public String word() {
      return tail.words().getLast();
    }

    @Override
    public int wordCursor() {
      return word().length();
    }

    @Override
    public int wordIndex() {
      return tail.words().size() - 1;
    }

    @Override
    public List<String> words() {
      return tail.words();
    }

    @Override
    public CharSequence escape(CharSequence candidate, boolean complete) {
      return Words.quote(candidate.toString());
    }

    @Override
    public int rawWordCursor() {
      return cursor - tail.start();
    }

    @Override
    public int rawWordLength() {
      return cursor - tail.start();
    }
  }

  @Override
  public ParsedLine parse(String line, int cursor, ParseContext context) {
    if (context == ParseContext.ACCEPT_LINE) {
      try {
        Words.commands(line);
      } catch (Words.Unfinished e) {
        throw new EOFError(-1, -1, e.getMessage());
      }
    }
    return new Line(line, cursor, Words.tail(line.substring(0, cursor)));
  }

  @Override
  public boolean isEscapeChar(char c) {
    return c == '\\';
  }
}
