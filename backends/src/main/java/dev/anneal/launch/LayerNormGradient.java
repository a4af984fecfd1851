package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** The gradient of layer normalisation: layernorm.cu, layernorm.cl. */
final class LayerNormGradient {
  private static final KernelFile CUDA = KernelFile.of("layernorm.cu");
  private static final KernelFile OPENCL = KernelFile.of("layernorm");
  private static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  /** The most channels that a block has room for in its registers on the way back. */
  private static final int MOST_CHANNELS = 4096;

  /** OpenCL: rows of a tile, and channels of a work-item of the version for CPUs. */
  private static final int TILE_ROWS = 32;

  private static final int VECTOR = 16;

  private static final Version<Op.LayerNormBackward, CudaContext> UNDER_WAY =
      Version.where(
          "the next row under way at the barrier",
          (op, context) -> isUnderWay(op, context),
          (op, context) -> backward(op, context, Place.NONE));

  static final Kernel<Op.LayerNormBackward> KERNEL =
      new Kernel<>(
          "layernorm_backward",
          Op.LayerNormBackward.class,
          List.of(
              Version.of(
                  "plain: one thread per row, one per channel", LayerNormGradient::plainBackward),
              Version.where(
                  "rows read once, channels' sums in registers",
                  (op, context) -> channels(op) <= MOST_CHANNELS,
                  (op, context) -> backward(2, op, context, List.of())),
              UNDER_WAY),
          List.of(
              Version.numbered(1, Ideas.PER_ROW, LayerNormGradient::backward),
              Version.numbered(2, Ideas.GROUP_PER_ROW, Ideas.GPUS, LayerNormGradient::backward),
              Version.numbered(3, Ideas.LANES, Ideas.CPUS, LayerNormGradient::backward),
              Version.numbered(4, Ideas.EXCHANGES, Ideas.SUB_GROUPS, LayerNormGradient::backward)));

  private LayerNormGradient() {}

  private static int channels(Op.LayerNormBackward op) {
    return op.in().shape().dim(-1);
  }

  /** At most 1024 partial sums, and at least 16 rows each. */
  private static int rowsPerBlock(int rows) {
    return Math.max(16, Math.ceilDiv(rows, 1024));
  }

  private static boolean isUnderWay(Op.LayerNormBackward op, CudaContext context) {
    return channels(op) <= MOST_CHANNELS && channels(op) % context.pack() == 0;
  }

  /** How many largest sizes {@link #backward} finds: one per block; nothing where it finds none. */
  static OptionalLong largest(Op.LayerNormBackward op, CudaContext context) {
    int rows = Math.toIntExact(op.in().shape().rows());
    return context.reaches(KERNEL, UNDER_WAY) && isUnderWay(op, context)
        ? OptionalLong.of(Math.ceilDiv(rows, rowsPerBlock(rows)))
        : OptionalLong.empty();
  }

  /** By the last version, with the largest size of what every block writes. */
  static List<Command> backward(Op.LayerNormBackward op, CudaContext context, Place largest) {
    return backward(3, op, context, List.of(largest));
  }

  private static List<Command> plainBackward(Op.LayerNormBackward op, CudaContext context) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = channels(op);
    return List.of(
        Launch.of(
            CUDA,
            "layernorm_backward_weight_v1",
            Grid.covering(c, THREADS),
            data(op.dWeight()),
            data(op.dBias()),
            data(op.dOut()),
            data(op.in()),
            data(op.mean()),
            data(op.rstd()),
            i32(rows),
            i32(c),
            i32(op.accumulate())),
        Launch.of(
            CUDA,
            "layernorm_backward_input_v1",
            Grid.covering(rows, THREADS),
            data(op.dIn()),
            data(op.dOut()),
            data(op.in()),
            data(op.weight()),
            data(op.mean()),
            data(op.rstd()),
            data(op.residual()),
            i32(rows),
            i32(c)));
  }

  private static List<Command> backward(
      int version, Op.LayerNormBackward op, CudaContext context, List<Argument> more) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = channels(op);
    int rowsPerBlock = rowsPerBlock(rows);
    int blocks = Math.ceilDiv(rows, rowsPerBlock);
    Place partial = context.scratch(8L * blocks * c);
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                data(op.dIn()),
                partial,
                data(op.dOut()),
                data(op.in()),
                data(op.weight()),
                data(op.mean()),
                data(op.rstd()),
                data(op.residual()),
                i32(rows),
                i32(c),
                i32(rowsPerBlock)));
    arguments.addAll(more);
    return List.of(
        Launch.of(
            CUDA,
            "layernorm_backward_v" + version,
            Grid.of(blocks).inBlocksOf(context.wholeWarps(Math.ceilDiv(c, context.pack()))),
            arguments),
        Launch.of(
            CUDA,
            "layernorm_backward_sum_v2",
            Grid.of(Math.ceilDiv(c, context.warp()), 2),
            SUM_THREADS,
            data(op.dWeight()),
            data(op.dBias()),
            partial,
            i32(blocks),
            i32(c),
            i32(op.accumulate())));
  }

  private static List<Command> backward(
      int version, Op.LayerNormBackward op, OpenClContext context) {
    int m = Math.toIntExact(op.in().shape().rows());
    int c = channels(op);
    // The weights first: dIn may take the place of what only the rows' kernel reads.
    List<Command> launches =
        new ArrayList<>(
            version == 1
                ? List.of(weights(op, m, c, context))
                : inTiles(version, op, m, c, context));
    launches.add(
        Launch.of(
            LayerNorm.file(version),
            "layernorm_backward_v" + version,
            LayerNorm.rows(m, version, context),
            activations(op.dIn()),
            activations(op.dOut()),
            activations(op.in()),
            data(op.weight()),
            data(op.mean()),
            data(op.rstd()),
            activations(op.residual().orElse(op.dOut())),
            i32(op.residual().isPresent()),
            i32(m),
            i32(c)));
    return launches;
  }

  private static Launch weights(Op.LayerNormBackward op, int m, int c, OpenClContext context) {
    return Launch.of(
        OPENCL,
        "layernorm_backward_weight_v1",
        context.items(c),
        data(op.dWeight()),
        data(op.dBias()),
        activations(op.dOut()),
        activations(op.in()),
        data(op.mean()),
        data(op.rstd()),
        i32(m),
        i32(c),
        i32(op.accumulate()));
  }

  private static List<Command> inTiles(
      int version, Op.LayerNormBackward op, int m, int c, OpenClContext context) {
    int tiles = Math.ceilDiv(m, TILE_ROWS);
    long half = (long) tiles * c;
    Place.Scratch weights = context.floats(2 * half);
    Place.Scratch biases = weights.plus(Float.BYTES * half);
    return List.of(
        Launch.of(
            OPENCL,
            "layernorm_backward_weight_v" + (version == 3 ? 3 : 2),
            version != 3 ? context.items(c, tiles) : Grid.of(Math.ceilDiv(c, VECTOR), tiles),
            weights,
            biases,
            activations(op.dOut()),
            activations(op.in()),
            data(op.mean()),
            data(op.rstd()),
            i32(m),
            i32(c)),
        TileSums.add(data(op.dWeight()), weights, tiles, c, op.accumulate(), context),
        TileSums.add(data(op.dBias()), biases, tiles, c, op.accumulate(), context));
  }
}
