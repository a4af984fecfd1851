package dev.anneal.opencl;

/** The work-items of a launch: how many in each of two dimensions, in work-groups of which size. */
record Grid(long columns, long rows, int groupColumns, int groupRows) {

  /** Work-items of simple kernels per work-group; every device but some CPUs allows as many. */
  private static final int SIMPLE = 64;

  /** At least {@code n} work-items in a line. */
  static Grid items(long n, DeviceLimits limits) {
    return items(n, 1, limits);
  }

  /** At least {@code columns} work-items in each of {@code rows} rows. */
  static Grid items(long columns, long rows, DeviceLimits limits) {
    int group = Math.min(SIMPLE, limits.workGroup());
    return new Grid(Math.ceilDiv(columns, group) * group, rows, group, 1);
  }

  /** {@code columns} times {@code rows} work-groups of one work-item. */
  static Grid single(long columns, long rows) {
    return new Grid(columns, rows, 1, 1);
  }

  /** {@code columns} times {@code rows} work-groups of {@code width} times {@code height}. */
  static Grid groups(long columns, long rows, int width, int height) {
    return new Grid(columns * width, rows * height, width, height);
  }

  int groupSize() {
    return groupColumns * groupRows;
  }
}
