package dev.anneal.terminal.shell;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Commands and what they do, side by side in as many columns as a terminal has room for. */
public final class CommandTable {
  /** Columns of the terminal for a name and a description that says something. */
  private static final int LEAST_WIDTH = 40;

  private static final int MOST = 3;

  private CommandTable() {}

  /** All commands and aliases of a shell, a line of the table each, none longer than the width. */
  public static List<String> of(Shell shell, int width) {
    return of(new Candidates(shell).of(List.of("")), width);
  }

  static List<String> of(List<Candidates.Candidate> commands, int width) {
    int columns = Math.clamp(width / LEAST_WIDTH, 1, MOST);
    int rows = Math.ceilDiv(commands.size(), columns);
    int names = commands.stream().mapToInt(c -> c.word().length()).max().orElse(0);
    int room = Math.max(1, width / columns - 1);
    List<String> lines = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      StringBuilder line = new StringBuilder();
      for (int at = row; at < commands.size(); at += rows) {
        Candidates.Candidate command = commands.get(at);
        String cell =
            fit(
                String.format(
                    Locale.ROOT,
                    "%-" + (names + 1) + "s %s",
                    command.word(),
                    command.description()),
                room);
        line.append(cell).append(" ".repeat(room + 1 - cell.length()));
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  /** A description that is too long ends with a whole word and three dots. */
  private static String fit(String text, int room) {
    String plain = text.strip().replaceAll("\\.$", "");
    if (plain.length() <= room) {
      return plain;
    }
    int end = plain.lastIndexOf(' ', Math.max(0, room - 3));
    return end <= 0
        ? plain.substring(0, room)
        : plain.substring(0, end).replaceAll("[,:;.]$", "") + "...";
  }
}
