package dev.anneal.cpu;

import jdk.incubator.vector.FloatVector;

/**
 * The inner product of all matrix products: C (rows, 2 vectors) += A (rows, k) B (k, 2 vectors), for
 * 8, 4 or 1 rows. B is packed, two vectors for each k, one after another; A is read where it is, one
 * float at a time, broadcast to all lanes.
 *
 * <p>Each element of C is one chain of FMAs over k in order, so its bits do not depend on the tile,
 * the vector width or how k is cut into blocks. Per k, 8 rows cost 2 loads, 8 broadcasts and 16
 * FMAs: the FMA units are the limit as long as the panel of B (k times 128 bytes at 512 bits) stays
 * in the first-level cache, which {@link #DEPTH} sees to. Every accumulator and broadcast is a
 * variable of its own in one straight-line loop: one that is reassigned, or an accumulator handed to
 * a method, makes the compiler box vectors, at a fifth of the speed.
 */
final class Tile {
  /** Columns of a panel: two vectors. */
  static final int WIDTH = 2 * Lanes.N;

  /** Bytes of one row of a panel. */
  static final long WIDTH_BYTES = 4L * WIDTH;

  /** Rows of a panel: 32 KiB at 512 bits. */
  static final int DEPTH = 256;

  /** Rows of the largest tile; 8 x 2 accumulators need 32 registers, which only AVX-512 has. */
  static final int ROWS = Lanes.N >= 16 ? 8 : 4;

  private Tile() {}

  /** Bytes of {@code columns} columns, {@code depth} deep, packed as panels. */
  static long packedBytes(int columns, int depth) {
    return (long) Math.ceilDiv(columns, WIDTH) * WIDTH_BYTES * depth;
  }

  /**
   * C (rows, columns) = or += A B for packed B, whose panels of {@code depth} rows lie one after
   * another.
   *
   * @param a first element of A; {@code aRow} and {@code aDepth} are the byte strides of its rows and
   *     of k
   * @param c first element of C, rows {@code cRow} bytes apart
   * @param spill room for one tile, {@link #SPILL_BYTES}, used where a panel is wider than C
   */
  static void multiply(
      int rows,
      int columns,
      int depth,
      long a,
      long aRow,
      long aDepth,
      long b,
      long c,
      long cRow,
      boolean add,
      long spill) {
    for (int j = 0; j < columns; j += WIDTH) {
      long panel = b + (long) (j / WIDTH) * WIDTH_BYTES * depth;
      panel(
          rows, Math.min(WIDTH, columns - j), depth, a, aRow, aDepth, panel, c + 4L * j, cRow, add,
          spill);
    }
  }

  static final long SPILL_BYTES = 8 * WIDTH_BYTES;

  /** One panel of {@link #multiply}; {@code columns} is at most {@link #WIDTH}. */
  static void panel(
      int rows,
      int columns,
      int depth,
      long a,
      long aRow,
      long aDepth,
      long b,
      long c,
      long cRow,
      boolean add,
      long spill) {
    int i = 0;
    while (i < rows) {
      int n = rows - i >= ROWS ? ROWS : rows - i >= 4 ? 4 : 1;
      long at = a + i * aRow;
      long to = c + i * cRow;
      if (columns == WIDTH) {
        tile(n, depth, at, aRow, aDepth, b, to, cRow, add);
      } else {
        if (add) {
          copy(n, columns, to, cRow, spill, WIDTH_BYTES);
        }
        tile(n, depth, at, aRow, aDepth, b, spill, WIDTH_BYTES, add);
        copy(n, columns, spill, WIDTH_BYTES, to, cRow);
      }
      i += n;
    }
  }

  private static void copy(int rows, int columns, long from, long fromRow, long to, long toRow) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        Ram.set(to + i * toRow + 4L * j, Ram.get(from + i * fromRow + 4L * j));
      }
    }
  }

  private static void tile(
      int rows,
      int depth,
      long a,
      long aRow,
      long aDepth,
      long b,
      long c,
      long cRow,
      boolean add) {
    switch (rows) {
      case 8 -> tile8(depth, a, aRow, aDepth, b, c, cRow, add);
      case 4 -> tile4(depth, a, aRow, aDepth, b, c, cRow, add);
      default -> tile1(depth, a, aDepth, b, c, add);
    }
  }

  private static void tile8(
      int depth, long a, long aRow, long aDepth, long b, long c, long cRow, boolean add) {
    FloatVector zero = FloatVector.zero(Lanes.F);
    long w = Lanes.BYTES;
    long c1 = c + cRow;
    long c2 = c1 + cRow;
    long c3 = c2 + cRow;
    long c4 = c3 + cRow;
    long c5 = c4 + cRow;
    long c6 = c5 + cRow;
    long c7 = c6 + cRow;
    FloatVector s00 = add ? Ram.load(c) : zero;
    FloatVector s01 = add ? Ram.load(c + w) : zero;
    FloatVector s10 = add ? Ram.load(c1) : zero;
    FloatVector s11 = add ? Ram.load(c1 + w) : zero;
    FloatVector s20 = add ? Ram.load(c2) : zero;
    FloatVector s21 = add ? Ram.load(c2 + w) : zero;
    FloatVector s30 = add ? Ram.load(c3) : zero;
    FloatVector s31 = add ? Ram.load(c3 + w) : zero;
    FloatVector s40 = add ? Ram.load(c4) : zero;
    FloatVector s41 = add ? Ram.load(c4 + w) : zero;
    FloatVector s50 = add ? Ram.load(c5) : zero;
    FloatVector s51 = add ? Ram.load(c5 + w) : zero;
    FloatVector s60 = add ? Ram.load(c6) : zero;
    FloatVector s61 = add ? Ram.load(c6 + w) : zero;
    FloatVector s70 = add ? Ram.load(c7) : zero;
    FloatVector s71 = add ? Ram.load(c7 + w) : zero;
    long a4 = a + 4 * aRow;
    long row2 = 2 * aRow;
    long row3 = 3 * aRow;
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = Ram.load(b);
      FloatVector b1 = Ram.load(b + w);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, Ram.get(a));
      s00 = x0.fma(b0, s00);
      s01 = x0.fma(b1, s01);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, Ram.get(a + aRow));
      s10 = x1.fma(b0, s10);
      s11 = x1.fma(b1, s11);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, Ram.get(a + row2));
      s20 = x2.fma(b0, s20);
      s21 = x2.fma(b1, s21);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, Ram.get(a + row3));
      s30 = x3.fma(b0, s30);
      s31 = x3.fma(b1, s31);
      FloatVector x4 = FloatVector.broadcast(Lanes.F, Ram.get(a4));
      s40 = x4.fma(b0, s40);
      s41 = x4.fma(b1, s41);
      FloatVector x5 = FloatVector.broadcast(Lanes.F, Ram.get(a4 + aRow));
      s50 = x5.fma(b0, s50);
      s51 = x5.fma(b1, s51);
      FloatVector x6 = FloatVector.broadcast(Lanes.F, Ram.get(a4 + row2));
      s60 = x6.fma(b0, s60);
      s61 = x6.fma(b1, s61);
      FloatVector x7 = FloatVector.broadcast(Lanes.F, Ram.get(a4 + row3));
      s70 = x7.fma(b0, s70);
      s71 = x7.fma(b1, s71);
      a += aDepth;
      a4 += aDepth;
      b += WIDTH_BYTES;
    }
    Ram.store(s00, c);
    Ram.store(s01, c + w);
    Ram.store(s10, c1);
    Ram.store(s11, c1 + w);
    Ram.store(s20, c2);
    Ram.store(s21, c2 + w);
    Ram.store(s30, c3);
    Ram.store(s31, c3 + w);
    Ram.store(s40, c4);
    Ram.store(s41, c4 + w);
    Ram.store(s50, c5);
    Ram.store(s51, c5 + w);
    Ram.store(s60, c6);
    Ram.store(s61, c6 + w);
    Ram.store(s70, c7);
    Ram.store(s71, c7 + w);
  }

  private static void tile4(
      int depth, long a, long aRow, long aDepth, long b, long c, long cRow, boolean add) {
    FloatVector zero = FloatVector.zero(Lanes.F);
    long w = Lanes.BYTES;
    long c1 = c + cRow;
    long c2 = c1 + cRow;
    long c3 = c2 + cRow;
    FloatVector s00 = add ? Ram.load(c) : zero;
    FloatVector s01 = add ? Ram.load(c + w) : zero;
    FloatVector s10 = add ? Ram.load(c1) : zero;
    FloatVector s11 = add ? Ram.load(c1 + w) : zero;
    FloatVector s20 = add ? Ram.load(c2) : zero;
    FloatVector s21 = add ? Ram.load(c2 + w) : zero;
    FloatVector s30 = add ? Ram.load(c3) : zero;
    FloatVector s31 = add ? Ram.load(c3 + w) : zero;
    long row2 = 2 * aRow;
    long row3 = 3 * aRow;
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = Ram.load(b);
      FloatVector b1 = Ram.load(b + w);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, Ram.get(a));
      s00 = x0.fma(b0, s00);
      s01 = x0.fma(b1, s01);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, Ram.get(a + aRow));
      s10 = x1.fma(b0, s10);
      s11 = x1.fma(b1, s11);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, Ram.get(a + row2));
      s20 = x2.fma(b0, s20);
      s21 = x2.fma(b1, s21);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, Ram.get(a + row3));
      s30 = x3.fma(b0, s30);
      s31 = x3.fma(b1, s31);
      a += aDepth;
      b += WIDTH_BYTES;
    }
    Ram.store(s00, c);
    Ram.store(s01, c + w);
    Ram.store(s10, c1);
    Ram.store(s11, c1 + w);
    Ram.store(s20, c2);
    Ram.store(s21, c2 + w);
    Ram.store(s30, c3);
    Ram.store(s31, c3 + w);
  }

  private static void tile1(int depth, long a, long aDepth, long b, long c, boolean add) {
    long w = Lanes.BYTES;
    FloatVector s0 = add ? Ram.load(c) : FloatVector.zero(Lanes.F);
    FloatVector s1 = add ? Ram.load(c + w) : FloatVector.zero(Lanes.F);
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.broadcast(Lanes.F, Ram.get(a));
      s0 = x.fma(Ram.load(b), s0);
      s1 = x.fma(Ram.load(b + w), s1);
      a += aDepth;
      b += WIDTH_BYTES;
    }
    Ram.store(s0, c);
    Ram.store(s1, c + w);
  }

  /**
   * Packs {@code rows} rows, which are k, of {@code columns} contiguous floats; the last panel is
   * filled up with zeros.
   */
  static void pack(long from, long fromRow, int rows, int columns, long to) {
    for (int j = 0; j < columns; j += WIDTH) {
      long source = from + 4L * j;
      if (columns - j >= WIDTH) {
        for (int k = 0; k < rows; k++) {
          Ram.store(Ram.load(source), to);
          Ram.store(Ram.load(source + Lanes.BYTES), to + Lanes.BYTES);
          source += fromRow;
          to += WIDTH_BYTES;
        }
      } else {
        var low = Lanes.F.indexInRange(0, Math.min(Lanes.N, columns - j));
        var high = Lanes.F.indexInRange(0, Math.max(0, columns - j - Lanes.N));
        for (int k = 0; k < rows; k++) {
          Ram.store(Ram.load(source, low), to);
          Ram.store(Ram.load(source + Lanes.BYTES, high), to + Lanes.BYTES);
          source += fromRow;
          to += WIDTH_BYTES;
        }
      }
    }
  }

  /**
   * Packs the transpose: {@code columns} rows of {@code depth} contiguous floats become panels in
   * which the floats of one k lie side by side.
   */
  static void packTransposed(long from, long fromRow, int columns, int depth, long to) {
    for (int j = 0; j < columns; j += WIDTH) {
      int n = Math.min(WIDTH, columns - j);
      for (int lane = 0; lane < n; lane++) {
        long source = from + (j + lane) * fromRow;
        long target = to + 4L * lane;
        for (int k = 0; k < depth; k++) {
          Ram.set(target, Ram.get(source + 4L * k));
          target += WIDTH_BYTES;
        }
      }
      for (int lane = n; lane < WIDTH; lane++) {
        for (int k = 0; k < depth; k++) {
          Ram.set(to + k * WIDTH_BYTES + 4L * lane, 0);
        }
      }
      to += WIDTH_BYTES * depth;
    }
  }
}
