package dev.anneal.terminal.repl;

import java.util.stream.IntStream;
import org.jline.reader.Buffer;
import org.jline.reader.History;
import org.jline.reader.impl.LineReaderImpl;

/**
 * Up and Down in the history: to the next line that begins with all that was typed. (JLine's own
 * search looks at the first word alone.) Within several lines, the keys move between them.
 */
final class PrefixSearch {
  private final LineReaderImpl reader;
  private String typed = "";
  private String found = "";

  PrefixSearch(LineReaderImpl reader) {
    this.reader = reader;
  }

  /** To an older line; without one, the line stays. */
  boolean up() {
    if (reader.getBuffer().up()) {
      return true;
    }
    History history = reader.getHistory();
    begin(history);
    int from = Math.min(history.index(), history.last() + 1);
    return show(IntStream.iterate(from - 1, index -> index >= history.first(), index -> index - 1));
  }

  /** To a newer line; after the newest, back to what was typed. */
  boolean down() {
    if (reader.getBuffer().down()) {
      return true;
    }
    History history = reader.getHistory();
    begin(history);
    if (!show(IntStream.rangeClosed(history.index() + 1, history.last()))) {
      history.moveToEnd();
      replace(typed);
    }
    return true;
  }

  /** When the line is not the one that was found last, it is the beginning of a new search. */
  private void begin(History history) {
    String line = reader.getBuffer().toString();
    if (history.index() > history.last() || !line.equals(found)) {
      history.moveToEnd();
      typed = line;
      found = line;
    }
  }

  private boolean show(IntStream indices) {
    History history = reader.getHistory();
    return indices
        .filter(index -> history.get(index).startsWith(typed) && !history.get(index).equals(found))
        .mapToObj(
            index -> {
              history.moveTo(index);
              found = history.get(index);
              replace(found);
              return true;
            })
        .findFirst()
        .orElse(false);
  }

  private void replace(String line) {
    Buffer buffer = reader.getBuffer();
    buffer.clear();
    buffer.write(line);
  }
}
