package dev.anneal.terminal.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.text.Cells;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FittedTableTest {
  private static final List<FittedTable.Column> COLUMNS =
      List.of(
          FittedTable.Column.text("op", 12, 0),
          FittedTable.Column.text("shapes", 30, 3),
          FittedTable.Column.number("ms", 9, 0),
          FittedTable.Column.number("limit", 5, 1));

  private static final List<String> CELLS =
      List.of("MatmulForward".substring(0, 12), "(4,64,128) (384,128) (384)", "12.345", "81%");

  /** Rows end where the terminal does, down to what must stay. */
  @Test
  void fitsAnyWidth() {
    for (int room = 25; room <= 120; room++) {
      FittedTable table = new FittedTable(COLUMNS, Optional.of(room));
      for (String row : List.of(table.head(), table.row(CELLS))) {
        assertTrue(Cells.width(row) <= room, room + ": " + row);
        assertTrue(row.startsWith(row.contains("op") ? "op" : "MatmulForwar"), row);
      }
      assertTrue(table.row(CELLS).contains("12.345"), "what must stay stays");
    }
  }

  @Test
  void cutsTextFirstThenLeavesOutWhatMattersLeast() {
    assertEquals(
        "MatmulForwar  (4,64,128) (384,128) (384)         12.345    81%",
        new FittedTable(COLUMNS, Optional.of(120)).row(CELLS));
    String cut = new FittedTable(COLUMNS, Optional.of(54)).row(CELLS);
    assertTrue(cut.contains("(384,128)") && !cut.contains("(384)") && cut.endsWith("81%"), cut);
    String narrow = new FittedTable(COLUMNS, Optional.of(40)).row(CELLS);
    assertTrue(!narrow.contains("(4") && narrow.endsWith("81%"), narrow);
    assertTrue(new FittedTable(COLUMNS, Optional.of(25)).row(CELLS).endsWith("12.345"));
  }

  /** A file or another program gets all of a cell, however long. */
  @Test
  void cutsNothingWhereThereIsNoTerminal() {
    String shapes = "(64,1024,768) (50304,768) (64,1024,50304)";
    String row =
        new FittedTable(COLUMNS, Optional.empty())
            .row(List.of("MatmulBackwardWeight", shapes, "12.345", "81%"));
    assertEquals("MatmulBackwardWeight  " + shapes + "     12.345    81%", row);
  }
}
