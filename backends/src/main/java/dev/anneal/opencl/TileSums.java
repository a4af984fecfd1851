package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.workspace;

/** The second half of every gradient that sums over rows: adds up the partial sums of its tiles. */
final class TileSums {
  private static final Source SUM = Source.of("sum");

  private TileSums() {}

  /** result (+)= the sum of {@code tiles} rows of {@code columns} floats of workspace. */
  static Launch add(
      Argument result,
      long first,
      int tiles,
      int columns,
      boolean accumulate,
      KernelVersions versions) {
    return Launch.of(
        SUM,
        "add_tiles_v1",
        Grid.items(columns, versions.limits()),
        result,
        workspace(first),
        integer(tiles),
        integer(columns),
        flag(accumulate));
  }
}
