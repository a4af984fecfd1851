package dev.anneal.terminal.report;

import dev.anneal.terminal.text.Cells;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Rows of a table that are printed one by one, within a width: text is cut, and where that is not
 * enough the columns that matter least are left out.
 */
public final class FittedTable {
  private static final int GAP = 2;

  /** Text shorter than that says nothing. */
  private static final int LEAST_TEXT = 20;

  private final List<Column> columns;
  private final boolean whole;
  private final List<Integer> widths = new ArrayList<>();

  /**
   * A column.
   *
   * @param width of its cells; of text, at most
   * @param text cut where there is no room, and aligned left; numbers are aligned right
   * @param rank the columns with the highest go first; those with 0 stay
   */
  public record Column(String title, int width, boolean text, int rank) {
    public static Column text(String title, int width, int rank) {
      return new Column(title, width, true, rank);
    }

    public static Column number(String title, int width, int rank) {
      return new Column(title, width, false, rank);
    }

    private int least() {
      return text && rank > 0 ? Math.min(width, LEAST_TEXT) : width;
    }
  }

  /**
   * A table.
   *
   * @param room for a row, in columns of a terminal; where nobody says how many, everything is
   *     whole
   */
  public FittedTable(List<Column> columns, Optional<Integer> room) {
    this(columns, room.orElse(Integer.MAX_VALUE), room.isEmpty());
  }

  private FittedTable(List<Column> columns, int room, boolean whole) {
    this.columns = columns;
    this.whole = whole;
    boolean[] shown = new boolean[columns.size()];
    Arrays.fill(shown, true);
    for (int rank = columns.stream().mapToInt(Column::rank).max().orElse(0); rank > 0; rank--) {
      for (int i = 0; i < shown.length && least(shown) > room; i++) {
        shown[i] &= columns.get(i).rank() != rank;
      }
    }
    int spare = room - least(shown);
    for (int i = 0; i < shown.length; i++) {
      Column column = columns.get(i);
      int more = Math.clamp(spare, 0, column.width() - column.least());
      widths.add(shown[i] ? column.least() + more : 0);
      spare -= shown[i] ? more : 0;
    }
  }

  private int least(boolean[] shown) {
    int sum = -GAP;
    for (int i = 0; i < shown.length; i++) {
      sum += shown[i] ? columns.get(i).least() + GAP : 0;
    }
    return sum;
  }

  public String head() {
    return row(columns.stream().map(Column::title).toList());
  }

  /** A row of one cell for each column, also for those that are left out. */
  public String row(List<String> cells) {
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < cells.size(); i++) {
      int width = widths.get(i);
      if (width > 0) {
        String cell =
            Cells.cut(cells.get(i), columns.get(i).text() && !whole ? width : Integer.MAX_VALUE);
        String pad = " ".repeat(Math.max(0, width - Cells.width(cell)));
        parts.add(columns.get(i).text() ? cell + pad : pad + cell);
      }
    }
    return String.join(" ".repeat(GAP), parts).stripTrailing();
  }
}
