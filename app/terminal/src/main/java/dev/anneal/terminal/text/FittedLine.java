package dev.anneal.terminal.text;

import java.util.List;

/** Facts in one line of a terminal: what does not fit is shortened, then left out. */
public final class FittedLine {
  private static final String SEPARATOR = "  ";

  private FittedLine() {}

  /**
   * As many of the facts as {@code columns} hold. Where that is not even two, these go without the
   * names that they begin with, so that {@code step 7/300 loss 3.1} becomes {@code 7/300 3.1}.
   *
   * @param facts what matters most first
   */
  public static String of(List<String> facts, int columns) {
    for (int kept = facts.size(); kept >= Math.min(2, facts.size()); kept--) {
      String line = String.join(SEPARATOR, facts.subList(0, kept));
      if (Cells.width(line) <= columns) {
        return line;
      }
    }
    List<String> brief = facts.stream().limit(2).map(FittedLine::withoutName).toList();
    String line = String.join(" ", brief);
    if (Cells.width(line) <= columns) {
      return line;
    }
    return brief.isEmpty() ? "" : Cells.cut(brief.getFirst(), columns);
  }

  private static String withoutName(String fact) {
    return fact.substring(fact.indexOf(' ') + 1);
  }
}
