package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.workspace;

import dev.anneal.plan.Op;

/** Launches of bias.cl, whose tile sizes are repeated here. */
final class BiasLaunches {
  private static final Source BIAS = Source.of("bias");
  private static final int TILE_ROWS = 64;
  private static final int COLUMNS = 64;

  private BiasLaunches() {}

  static Launches backward(Op.BiasBackward op, KernelVersions versions) {
    int m = Math.toIntExact(op.dOut().shape().rows());
    int n = op.dBias().shape().dim(0);
    int version = versions.of("bias_backward");
    if (version == 1) {
      return Launches.of(
          Launch.of(
              BIAS,
              "bias_backward_v1",
              Grid.items(n, versions.limits()),
              data(op.dBias()),
              data(op.dOut()),
              integer(m),
              integer(n),
              flag(op.accumulate())));
    }
    int tiles = Math.ceilDiv(m, TILE_ROWS);
    return Launches.of(
        (long) tiles * n,
        Launch.of(
            BIAS,
            "bias_backward_v" + version,
            version == 2
                ? Grid.items(n, tiles, versions.limits())
                : Grid.single(Math.ceilDiv(n, COLUMNS), tiles),
            workspace(0),
            data(op.dOut()),
            integer(m),
            integer(n)),
        TileSums.add(data(op.dBias()), 0, tiles, n, op.accumulate(), versions));
  }
}
