package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;

/** A bias after a product without it, and its gradient: bias.cu, bias.cl. */
final class Bias {
  private static final KernelFile CUDA = KernelFile.of("bias.cu");
  private static final KernelFile OPENCL = KernelFile.of("bias");
  private static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  /** OpenCL: rows of a tile, and columns of a work-item of the version for CPUs. */
  private static final int TILE_ROWS = 64;

  private static final int COLUMNS = 64;

  static final Kernel<Op.BiasBackward> BACKWARD =
      new Kernel<>(
          "bias_backward",
          Op.BiasBackward.class,
          List.of(
              Version.of("plain: one thread per column", Bias::plain),
              Version.of("128-bit packs, tiles of rows", Bias::inTiles)),
          List.of(
              Version.of("one work-item per column", Bias::plain),
              Version.numbered(
                  2, "one work-item per column and tile of 64 rows", Ideas.ANY, Bias::inTiles),
              Version.numbered(
                  3,
                  "for CPUs: one work-item per 64 columns and tile of 64 rows",
                  Ideas.CPUS,
                  Bias::inTiles)));

  private Bias() {}

  /** Adds a bias to a product without it. */
  static List<Command> add(Tensor out, Tensor bias, CudaContext context) {
    long packs = Math.ceilDiv(out.elements(), context.pack());
    return List.of(
        Launch.of(
            CUDA,
            "bias_forward_v1",
            Grid.covering(packs, THREADS),
            data(out),
            data(bias),
            i64(out.elements()),
            i32(out.shape().dim(-1))));
  }

  private static List<Command> plain(Op.BiasBackward op, CudaContext context) {
    int n = op.dBias().shape().dim(-1);
    return List.of(
        Launch.of(
            CUDA,
            "bias_backward_v1",
            Grid.covering(n, THREADS),
            data(op.dBias()),
            data(op.dOut()),
            i32(op.dOut().shape().rows()),
            i32(n),
            i32(op.accumulate())));
  }

  private static List<Command> inTiles(Op.BiasBackward op, CudaContext context) {
    int rows = Math.toIntExact(op.dOut().shape().rows());
    int n = op.dBias().shape().dim(-1);
    // At most 256 partial sums, and at least 64 rows each.
    int rowsPerBlock = Math.max(64, Math.ceilDiv(rows, 256));
    int blocks = Math.ceilDiv(rows, rowsPerBlock);
    Place partial = context.scratch(4L * blocks * n);
    return List.of(
        Launch.of(
            CUDA,
            "bias_backward_v2",
            Grid.of(Math.ceilDiv(n, context.warp() * context.pack()), blocks),
            THREADS,
            partial,
            data(op.dOut()),
            i32(rows),
            i32(n),
            i32(rowsPerBlock)),
        Launch.of(
            CUDA,
            "bias_backward_sum_v2",
            Grid.of(Math.ceilDiv(n, context.warp())),
            SUM_THREADS,
            data(op.dBias()),
            partial,
            i32(blocks),
            i32(n),
            i32(op.accumulate())));
  }

  private static List<Command> plain(Op.BiasBackward op, OpenClContext context) {
    int n = op.dBias().shape().dim(0);
    return List.of(
        Launch.of(
            OPENCL,
            "bias_backward_v1",
            context.items(n),
            data(op.dBias()),
            activations(op.dOut()),
            i32(op.dOut().shape().rows()),
            i32(n),
            i32(op.accumulate())));
  }

  private static List<Command> inTiles(int version, Op.BiasBackward op, OpenClContext context) {
    int m = Math.toIntExact(op.dOut().shape().rows());
    int n = op.dBias().shape().dim(0);
    int tiles = Math.ceilDiv(m, TILE_ROWS);
    Place partial = context.floats((long) tiles * n);
    return List.of(
        Launch.of(
            OPENCL,
            "bias_backward_v" + version,
            version == 2 ? context.items(n, tiles) : Grid.of(Math.ceilDiv(n, COLUMNS), tiles),
            partial,
            activations(op.dOut()),
            i32(m),
            i32(n)),
        TileSums.add(data(op.dBias()), partial, tiles, n, op.accumulate(), context));
  }
}
