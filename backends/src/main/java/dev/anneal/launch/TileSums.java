package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;

/** The second half of OpenCL's gradients that sum over rows: adds up the partial sums of tiles. */
final class TileSums {
  private static final KernelFile SUM = KernelFile.of("sum");

  private TileSums() {}

  /** result (+)= the sum of {@code tiles} rows of {@code columns} floats of {@code partial}. */
  static Launch add(
      Place result,
      Place partial,
      int tiles,
      int columns,
      boolean accumulate,
      OpenClContext context) {
    return Launch.of(
        SUM,
        "add_tiles_v1",
        context.items(columns),
        result,
        partial,
        i32(tiles),
        i32(columns),
        i32(accumulate));
  }
}
