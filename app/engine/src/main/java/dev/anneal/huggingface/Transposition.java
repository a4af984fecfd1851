package dev.anneal.huggingface;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Exchanges rows and columns of float32, a square that the cache holds at a time. */
final class Transposition {
  private static final int SIDE = 32;

  private Transposition() {}

  /** {@code out[c][r] = in[r][c]}. */
  static void of(MemorySegment in, long rows, long columns, MemorySegment out) {
    for (long r0 = 0; r0 < rows; r0 += SIDE) {
      long r1 = Math.min(r0 + SIDE, rows);
      for (long c0 = 0; c0 < columns; c0 += SIDE) {
        long c1 = Math.min(c0 + SIDE, columns);
        for (long c = c0; c < c1; c++) {
          for (long r = r0; r < r1; r++) {
            float value = in.getAtIndex(ValueLayout.JAVA_FLOAT, r * columns + c);
            out.setAtIndex(ValueLayout.JAVA_FLOAT, c * rows + r, value);
          }
        }
      }
    }
  }
}
