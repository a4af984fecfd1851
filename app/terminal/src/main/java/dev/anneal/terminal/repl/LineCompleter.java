package dev.anneal.terminal.repl;

import dev.anneal.terminal.shell.Candidates;
import dev.anneal.terminal.shell.Shell;
import java.util.List;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;

/** {@link Candidates} for JLine. */
record LineCompleter(Shell shell) implements Completer {
  private static final int DESCRIPTION = 60;

  @Override
  public void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
    int order = 0;
    for (Candidates.Candidate c : new Candidates(shell).of(line.words())) {
      String description =
          c.description().length() > DESCRIPTION
              ? c.description().substring(0, DESCRIPTION - 3) + "..."
              : c.description();
      candidates.add(
          new Candidate(
              c.word(),
              c.word(),
              "",
              description.isEmpty() ? null : description,
              null,
              null,
              c.whole(),
              order++));
    }
  }
}
