package dev.anneal.opencl;

import dev.anneal.launch.Grid;
import java.util.ArrayList;
import java.util.List;

/**
 * Some work-groups of a launch: a rectangle of its work-items, which know who they are by their
 * global numbers alone, so that they do the same in any part.
 */
record Part(long column, long row, long columns, long rows) {
  /** Work-groups that every driver takes in the second dimension. */
  private static final long MOST_ROWS = 65535;

  /** {@code grid} in at least {@code count} parts, as far as there are work-groups. */
  static List<Part> of(Grid grid, long count) {
    long groupRows = grid.y();
    long groupColumns = grid.x();
    long down = Math.min(groupRows, Math.max(count, Math.ceilDiv(groupRows, MOST_ROWS)));
    long across = Math.min(groupColumns, Math.ceilDiv(count, down));
    long height = Math.ceilDiv(groupRows, down) * grid.height();
    long width = Math.ceilDiv(groupColumns, across) * grid.width();
    List<Part> parts = new ArrayList<>();
    for (long row = 0; row < grid.rows(); row += height) {
      for (long column = 0; column < grid.columns(); column += width) {
        parts.add(
            new Part(
                column,
                row,
                Math.min(width, grid.columns() - column),
                Math.min(height, grid.rows() - row)));
      }
    }
    return List.copyOf(parts);
  }

  long[] offset() {
    return new long[] {column, row};
  }

  long[] size() {
    return new long[] {columns, rows};
  }
}
