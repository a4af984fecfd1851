package dev.anneal.terminal.repl;

import dev.anneal.terminal.shell.Candidates;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Look;
import java.util.List;
import org.jline.reader.Highlighter;
import org.jline.reader.LineReader;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStringBuilder;
import org.jline.utils.AttributedStyle;

/** The first word bold when it begins a command, red when none begins so. */
final class CommandHighlighter implements Highlighter {
  private final Shell shell;
  private String lastWord = "";
  private boolean lastKnown;

  CommandHighlighter(Shell shell) {
    this.shell = shell;
  }

  @Override
  public AttributedString highlight(LineReader reader, String buffer) {
    if (shell.look().colors() == Look.Colors.NONE) {
      return new AttributedString(buffer);
    }
    int begin = 0;
    while (begin < buffer.length() && buffer.charAt(begin) == ' ') {
      begin++;
    }
    int end = begin;
    while (end < buffer.length() && " \t;\n".indexOf(buffer.charAt(end)) < 0) {
      end++;
    }
    AttributedStyle style =
        isKnown(buffer.substring(begin, end))
            ? AttributedStyle.BOLD
            : AttributedStyle.DEFAULT.foreground(AttributedStyle.RED);
    return new AttributedStringBuilder()
        .append(buffer, 0, begin)
        .styled(style, buffer.substring(begin, end))
        .append(buffer, end, buffer.length())
        .toAttributedString();
  }

  private boolean isKnown(String word) {
    if (!word.equals(lastWord)) {
      lastWord = word;
      lastKnown = word.equals("?") || !new Candidates(shell).of(List.of(word)).isEmpty();
    }
    return lastKnown;
  }
}
