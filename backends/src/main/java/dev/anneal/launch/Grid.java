package dev.anneal.launch;

/**
 * Work-groups in three directions, or blocks as CUDA calls them, and the work-items in each.
 *
 * @param x work-groups across
 * @param y down
 * @param width work-items of a group across
 * @param height down
 */
public record Grid(long x, long y, long z, int width, int height) {
  public Grid {
    if (x < 1 || y < 1 || z < 1 || width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "grid (" + x + ", " + y + ", " + z + ") of (" + width + ", " + height + ")");
    }
  }

  /** {@code x} groups in a line, of one work-item until {@link #inBlocksOf}. */
  public static Grid of(long x) {
    return of(x, 1);
  }

  public static Grid of(long x, long y) {
    return of(x, y, 1);
  }

  public static Grid of(long x, long y, long z) {
    return new Grid(x, y, z, 1, 1);
  }

  /** Enough groups of {@code threads} for one each of {@code n}. */
  public static Grid covering(long n, int threads) {
    return of(Math.ceilDiv(n, threads)).inBlocksOf(threads);
  }

  /** The same with groups of {@code threads} in a line. */
  public Grid inBlocksOf(int threads) {
    return new Grid(x, y, z, threads, 1);
  }

  /** {@code columns} times {@code rows} groups of {@code width} times {@code height}. */
  public static Grid groups(long columns, long rows, int width, int height) {
    return new Grid(columns, rows, 1, width, height);
  }

  /** Work-items across. */
  public long columns() {
    return x * width;
  }

  /** Work-items down. */
  public long rows() {
    return y * height;
  }

  public int groupSize() {
    return width * height;
  }
}
