package dev.anneal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * The inner product of all matrix products: C (rows, 2 vectors) = A (rows, k) B (k, 2 vectors), for
 * 8, 4 or 1 rows. B is packed, two vectors for each k, one after another; A is read one float at a
 * time, broadcast to all lanes.
 *
 * <p>Each element of C is one chain of FMAs over k in order, {@link #DEPTH} at a time, so its bits
 * do not depend on the tile or the vector width. Per k, 8 rows cost 2 loads, 8 broadcasts and 16
 * FMAs: the FMA units are the limit as long as a panel of B ({@code DEPTH} times 128 bytes at 512
 * bits) stays in the first-level cache.
 *
 * <p>What the compiler needs to keep the accumulators in registers, each worth a factor of four:
 * Java arrays for operands, since accesses to memory segments inline so much code that it gives up;
 * every accumulator and broadcast a variable of its own; accumulators that start in one way only.
 */
final class Tile {
  /** Columns of a panel: two vectors. */
  static final int WIDTH = 2 * Lanes.N;

  /** Steps of k that are summed before they are added to C; a panel of them is 32 KiB. */
  static final int DEPTH = 256;

  /** Rows of the largest tile; 8 x 2 accumulators need 32 registers, which only AVX-512 has. */
  static final int ROWS = Lanes.N >= 16 ? 8 : 4;

  /** Floats of the largest tile. */
  static final int FLOATS = ROWS * WIDTH;

  private static final int N = Lanes.N;

  private Tile() {}

  /**
   * C (rows, columns) = A B, or C += A B. B is in panels of {@link #WIDTH} columns, {@code
   * panelFloats} apart; A's element (i, k) is {@code a[aAt + i * aRow + k * aDepth]}; C's row i is
   * at address {@code c + i * cRow}.
   */
  static void multiply(
      int rows,
      int columns,
      int depth,
      float[] a,
      int aAt,
      int aRow,
      int aDepth,
      float[] b,
      int bAt,
      int panelFloats,
      long c,
      long cRow,
      boolean add,
      float[] tile) {
    for (int from = 0; from < depth; from += DEPTH) {
      int steps = Math.min(DEPTH, depth - from);
      boolean sum = add || from > 0;
      for (int j = 0; j < columns; j += WIDTH) {
        int panel = bAt + j / WIDTH * panelFloats + from * WIDTH;
        int n = Math.min(WIDTH, columns - j);
        int i = 0;
        while (i < rows) {
          int at = aAt + i * aRow + from * aDepth;
          int done;
          if (ROWS == 8 && rows - i >= 8) {
            tile8(a, at, aRow, aDepth, b, panel, steps, tile);
            done = 8;
          } else if (rows - i >= 4) {
            tile4(a, at, aRow, aDepth, b, panel, steps, tile);
            done = 4;
          } else {
            tile1(a, at, aDepth, b, panel, steps, tile);
            done = 1;
          }
          store(tile, done, n, c + i * cRow + 4L * j, cRow, sum);
          i += done;
        }
      }
    }
  }

  private static void store(float[] tile, int rows, int columns, long c, long cRow, boolean add) {
    if (columns == WIDTH) {
      for (int i = 0; i < rows; i++) {
        FloatVector s0 = FloatVector.fromArray(Lanes.F, tile, i * WIDTH);
        FloatVector s1 = FloatVector.fromArray(Lanes.F, tile, i * WIDTH + N);
        if (add) {
          Ram.store(Ram.load(c).add(s0), c);
          Ram.store(Ram.load(c + Lanes.BYTES).add(s1), c + Lanes.BYTES);
        } else {
          Ram.store(s0, c);
          Ram.store(s1, c + Lanes.BYTES);
        }
        c += cRow;
      }
      return;
    }
    for (int j = 0; j < columns; j += N) {
      VectorMask<Float> mask = Lanes.in(j, columns);
      for (int i = 0; i < rows; i++) {
        long to = c + i * cRow + 4L * j;
        FloatVector s = FloatVector.fromArray(Lanes.F, tile, i * WIDTH + j);
        Ram.store(add ? Ram.load(to, mask).add(s) : s, to, mask);
      }
    }
  }

  private static void tile8(
      float[] a, int a0, int aRow, int aDepth, float[] b, int bAt, int depth, float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    FloatVector s40 = s00;
    FloatVector s41 = s00;
    FloatVector s50 = s00;
    FloatVector s51 = s00;
    FloatVector s60 = s00;
    FloatVector s61 = s00;
    FloatVector s70 = s00;
    FloatVector s71 = s00;
    int a1 = a0 + aRow;
    int a2 = a1 + aRow;
    int a3 = a2 + aRow;
    int a4 = a3 + aRow;
    int a5 = a4 + aRow;
    int a6 = a5 + aRow;
    int a7 = a6 + aRow;
    int step = 0;
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = FloatVector.fromArray(Lanes.F, b, bAt);
      FloatVector b1 = FloatVector.fromArray(Lanes.F, b, bAt + N);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + step]);
      s00 = x0.fma(b0, s00);
      s01 = x0.fma(b1, s01);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + step]);
      s10 = x1.fma(b0, s10);
      s11 = x1.fma(b1, s11);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + step]);
      s20 = x2.fma(b0, s20);
      s21 = x2.fma(b1, s21);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + step]);
      s30 = x3.fma(b0, s30);
      s31 = x3.fma(b1, s31);
      FloatVector x4 = FloatVector.broadcast(Lanes.F, a[a4 + step]);
      s40 = x4.fma(b0, s40);
      s41 = x4.fma(b1, s41);
      FloatVector x5 = FloatVector.broadcast(Lanes.F, a[a5 + step]);
      s50 = x5.fma(b0, s50);
      s51 = x5.fma(b1, s51);
      FloatVector x6 = FloatVector.broadcast(Lanes.F, a[a6 + step]);
      s60 = x6.fma(b0, s60);
      s61 = x6.fma(b1, s61);
      FloatVector x7 = FloatVector.broadcast(Lanes.F, a[a7 + step]);
      s70 = x7.fma(b0, s70);
      s71 = x7.fma(b1, s71);
      step += aDepth;
      bAt += WIDTH;
    }
    s00.intoArray(tile, 0);
    s01.intoArray(tile, N);
    s10.intoArray(tile, 2 * N);
    s11.intoArray(tile, 3 * N);
    s20.intoArray(tile, 4 * N);
    s21.intoArray(tile, 5 * N);
    s30.intoArray(tile, 6 * N);
    s31.intoArray(tile, 7 * N);
    s40.intoArray(tile, 8 * N);
    s41.intoArray(tile, 9 * N);
    s50.intoArray(tile, 10 * N);
    s51.intoArray(tile, 11 * N);
    s60.intoArray(tile, 12 * N);
    s61.intoArray(tile, 13 * N);
    s70.intoArray(tile, 14 * N);
    s71.intoArray(tile, 15 * N);
  }

  private static void tile4(
      float[] a, int a0, int aRow, int aDepth, float[] b, int bAt, int depth, float[] tile) {
    FloatVector s00 = FloatVector.zero(Lanes.F);
    FloatVector s01 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    int a1 = a0 + aRow;
    int a2 = a1 + aRow;
    int a3 = a2 + aRow;
    int step = 0;
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = FloatVector.fromArray(Lanes.F, b, bAt);
      FloatVector b1 = FloatVector.fromArray(Lanes.F, b, bAt + N);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + step]);
      s00 = x0.fma(b0, s00);
      s01 = x0.fma(b1, s01);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + step]);
      s10 = x1.fma(b0, s10);
      s11 = x1.fma(b1, s11);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + step]);
      s20 = x2.fma(b0, s20);
      s21 = x2.fma(b1, s21);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + step]);
      s30 = x3.fma(b0, s30);
      s31 = x3.fma(b1, s31);
      step += aDepth;
      bAt += WIDTH;
    }
    s00.intoArray(tile, 0);
    s01.intoArray(tile, N);
    s10.intoArray(tile, 2 * N);
    s11.intoArray(tile, 3 * N);
    s20.intoArray(tile, 4 * N);
    s21.intoArray(tile, 5 * N);
    s30.intoArray(tile, 6 * N);
    s31.intoArray(tile, 7 * N);
  }

  private static void tile1(
      float[] a, int a0, int aDepth, float[] b, int bAt, int depth, float[] tile) {
    FloatVector s0 = FloatVector.zero(Lanes.F);
    FloatVector s1 = s0;
    int step = a0;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.broadcast(Lanes.F, a[step]);
      s0 = x.fma(FloatVector.fromArray(Lanes.F, b, bAt), s0);
      s1 = x.fma(FloatVector.fromArray(Lanes.F, b, bAt + N), s1);
      step += aDepth;
      bAt += WIDTH;
    }
    s0.intoArray(tile, 0);
    s1.intoArray(tile, N);
  }
}
