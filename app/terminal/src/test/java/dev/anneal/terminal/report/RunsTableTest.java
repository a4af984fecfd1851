package dev.anneal.terminal.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.run.store.RunCatalog;
import dev.anneal.run.store.RunOnDisk;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.Cells;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunsTableTest {
  @TempDir private Path temp;

  /** Also without a note, where there is no room for any. */
  @Test
  void aRunIsOneRowInAnyWidth() {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(TinyShell.train(temp, "one", "--steps 2 --paused") + "; stop");
    }
    List<RunOnDisk> runs = RunCatalog.paths(temp).stream().map(RunOnDisk::read).toList();
    for (int width = 20; width <= 120; width++) {
      List<String> rows = RunsTable.of(runs, width, ZoneOffset.UTC);
      assertEquals(2, rows.size(), width + "\n" + String.join("\n", rows));
      int room = width;
      rows.forEach(row -> assertEquals(row, Cells.cut(row, room)));
    }
  }
}
