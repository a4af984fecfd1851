package dev.anneal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Copies matrices from memory into the arrays that {@link Tile} multiplies. */
final class Packing {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private Packing() {}

  /** Panels that {@code columns} columns make. */
  static int panels(int columns) {
    return Math.ceilDiv(columns, Tile.WIDTH);
  }

  /** Rows of contiguous floats, one after another, {@code toRow} floats apart. */
  static void rows(
      long from, long fromRow, int rows, int columns, float[] to, int toAt, int toRow) {
    for (int i = 0; i < rows; i++) {
      MemorySegment.copy(Ram.ALL, FLOAT, from + i * fromRow, to, toAt + i * toRow, columns);
    }
  }

  /**
   * {@code depth} rows, which are the steps of k, of contiguous floats become panels of {@code
   * panelFloats} each; the last panel is filled up with zeros.
   */
  static void panels(
      long from, long fromRow, int depth, int columns, float[] to, int toAt, int panelFloats) {
    for (int j = 0; j < columns; j += Tile.WIDTH) {
      int n = Math.min(Tile.WIDTH, columns - j);
      int at = toAt + j / Tile.WIDTH * panelFloats;
      long source = from + 4L * j;
      for (int k = 0; k < depth; k++) {
        if (n == Tile.WIDTH) {
          Ram.load(source).intoArray(to, at);
          Ram.load(source + Lanes.BYTES).intoArray(to, at + Lanes.N);
        } else {
          MemorySegment.copy(Ram.ALL, FLOAT, source, to, at, n);
          Arrays.fill(to, at + n, at + Tile.WIDTH, 0);
        }
        source += fromRow;
        at += Tile.WIDTH;
      }
    }
  }

  /**
   * The transpose: {@code columns} rows of {@code depth} contiguous floats become panels in which
   * the floats of one k lie side by side.
   */
  static void transposedPanels(
      long from, long fromRow, int columns, int depth, float[] to, int toAt, int panelFloats) {
    for (int j = 0; j < columns; j += Tile.WIDTH) {
      int n = Math.min(Tile.WIDTH, columns - j);
      int panel = toAt + j / Tile.WIDTH * panelFloats;
      for (int k0 = 0; k0 < depth; k0 += 16) {
        int kEnd = Math.min(depth, k0 + 16);
        for (int lane = 0; lane < n; lane++) {
          long source = from + (j + lane) * fromRow;
          for (int k = k0; k < kEnd; k++) {
            to[panel + k * Tile.WIDTH + lane] = Ram.get(source + 4L * k);
          }
        }
        for (int lane = n; lane < Tile.WIDTH; lane++) {
          for (int k = k0; k < kEnd; k++) {
            to[panel + k * Tile.WIDTH + lane] = 0;
          }
        }
      }
    }
  }
}
