package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Layer normalisation: layernorm.cu, layernorm.cl. */
final class LayerNorm {
  private static final KernelFile CUDA = KernelFile.of("layernorm.cu");
  private static final KernelFile OPENCL = KernelFile.of("layernorm");
  private static final int THREADS = 256;
  private static final int KEPT_WARPS = 4;
  private static final int SUM_THREADS = 1024;

  /** The most channels that a block has room for in its registers on the way back. */
  private static final int MOST_CHANNELS = 4096;

  /** OpenCL: rows of a tile, and channels of a work-item of the version for CPUs. */
  private static final int TILE_ROWS = 32;

  private static final int VECTOR = 16;

  private static final Version<Op.LayerNormForward, CudaContext> KEEPING =
      Version.possibly(
          "128-bit packs, the row kept in shared memory",
          Suits.ALL,
          (op, context) -> forward(op, context, Place.NONE));

  private static final Version<Op.LayerNormForward, CudaContext> AFTER_SUM =
      Version.together("the sum before it, where there is one, in the same kernel");

  static final Kernel<Op.LayerNormForward> FORWARD =
      new Kernel<>(
          "layernorm_forward",
          Op.LayerNormForward.class,
          List.of(
              Version.of("plain: one thread per row", (op, context) -> forward(1, 1, op)),
              Version.of(
                  "one warp per row, sums by shuffles",
                  (op, context) -> forward(2, context.warp(), op)),
              KEEPING,
              AFTER_SUM),
          List.of(
              Version.of(Ideas.PER_ROW, (op, context) -> forward(1, op, context)),
              Version.of(Ideas.GROUP_PER_ROW, Ideas.GPUS, (op, context) -> forward(2, op, context)),
              Version.of(Ideas.LANES, Ideas.CPUS, (op, context) -> forward(3, op, context)),
              Version.of(
                  Ideas.EXCHANGES, Ideas.SUB_GROUPS, (op, context) -> forward(4, op, context))));

  private static final Version<Op.LayerNormBackward, CudaContext> UNDER_WAY =
      Version.possibly(
          "the next row under way at the barrier",
          Suits.ALL,
          (op, context) ->
              isUnderWay(op, context)
                  ? Optional.of(backward(op, context, Place.NONE))
                  : Optional.empty());

  static final Kernel<Op.LayerNormBackward> BACKWARD =
      new Kernel<>(
          "layernorm_backward",
          Op.LayerNormBackward.class,
          List.of(
              Version.of("plain: one thread per row, one per channel", LayerNorm::plainBackward),
              Version.possibly(
                  "rows read once, channels' sums in registers",
                  Suits.ALL,
                  (op, context) ->
                      channels(op) <= MOST_CHANNELS
                          ? Optional.of(backward(2, op, context, List.of()))
                          : Optional.empty()),
              UNDER_WAY),
          List.of(
              Version.of(Ideas.PER_ROW, (op, context) -> backward(1, op, context)),
              Version.of(
                  Ideas.GROUP_PER_ROW, Ideas.GPUS, (op, context) -> backward(2, op, context)),
              Version.of(Ideas.LANES, Ideas.CPUS, (op, context) -> backward(3, op, context)),
              Version.of(
                  Ideas.EXCHANGES, Ideas.SUB_GROUPS, (op, context) -> backward(4, op, context))));

  private LayerNorm() {}

  private static int channels(Op.LayerNormBackward op) {
    return op.in().shape().dim(-1);
  }

  /** Shared memory for one row. */
  private static int rowBytes(int c, CudaContext context) {
    return Math.ceilDiv(c, context.pack()) * CudaContext.PACK_BYTES;
  }

  private static boolean fits(int c, CudaContext context) {
    return rowBytes(c, context) <= context.hardware().sharedOptInBytes();
  }

  private static List<Command> forward(int version, int threadsPerRow, Op.LayerNormForward op) {
    int rows = Math.toIntExact(op.in().shape().rows());
    return List.of(
        Launch.of(
            CUDA,
            "layernorm_forward_v" + version,
            Grid.covering((long) rows * threadsPerRow, THREADS),
            data(op.out()),
            data(op.mean()),
            data(op.rstd()),
            data(op.in()),
            data(op.weight()),
            data(op.bias()),
            i32(rows),
            i32(op.in().shape().dim(-1)),
            f32(op.epsilon())));
  }

  /** How many largest sizes {@link #forward} finds: one per block; nothing where it finds none. */
  static OptionalLong largest(Op.LayerNormForward op, CudaContext context) {
    int c = op.in().shape().dim(-1);
    return context.reaches(FORWARD, KEEPING) && fits(c, context)
        ? OptionalLong.of(Math.ceilDiv(op.in().shape().rows(), keptWarps(c, context)))
        : OptionalLong.empty();
  }

  /**
   * By the version that keeps rows, where they fit.
   *
   * @param largest where the largest sizes of what it writes go, if anywhere
   */
  static Optional<List<Command>> forward(
      Op.LayerNormForward op, CudaContext context, Place largest) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    if (!fits(c, context)) {
      return Optional.empty();
    }
    return Optional.of(
        List.of(
            keeping(
                context,
                "layernorm_forward_v3",
                rows,
                c,
                data(op.out()),
                data(op.mean()),
                data(op.rstd()),
                data(op.in()),
                data(op.weight()),
                data(op.bias()),
                i32(rows),
                i32(c),
                f32(op.epsilon()),
                largest)));
  }

  /** As many rows in a block's shared memory as there is room for. */
  private static int keptWarps(int c, CudaContext context) {
    return Math.clamp(context.hardware().sharedBytes() / rowBytes(c, context), 1, KEPT_WARPS);
  }

  /** A kernel that keeps a row per warp in shared memory. */
  private static Launch keeping(
      CudaContext context, String kernel, int rows, int c, Argument... arguments) {
    int warps = keptWarps(c, context);
    return Launch.of(
            CUDA, kernel, Grid.of(Math.ceilDiv(rows, warps)), warps * context.warp(), arguments)
        .sharing(warps * rowBytes(c, context));
  }

  /** Both ops in one launch, where it can stand for both. */
  static Optional<List<Command>> addThenNormalize(
      Op.Add add, Op.LayerNormForward norm, CudaContext context) {
    int rows = Math.toIntExact(norm.in().shape().rows());
    int c = norm.in().shape().dim(-1);
    if (!context.reaches(FORWARD, AFTER_SUM)
        || !norm.in().equals(add.out())
        || !fits(c, context)
        || writesOver(norm, add, context)) {
      return Optional.empty();
    }
    return Optional.of(
        List.of(
            keeping(
                context,
                "add_layernorm_forward_v1",
                rows,
                c,
                data(norm.out()),
                data(norm.mean()),
                data(norm.rstd()),
                data(add.out()),
                data(add.a()),
                data(add.b()),
                data(norm.weight()),
                data(norm.bias()),
                i32(rows),
                i32(c),
                f32(norm.epsilon()))));
  }

  /** A row is written while later rows are yet to be read. */
  private static boolean writesOver(Op.LayerNormForward norm, Op.Add add, CudaContext context) {
    for (Tensor written : List.of(norm.out(), norm.mean(), norm.rstd())) {
      for (Tensor read : List.of(add.a(), add.b())) {
        if (context.overlap(written, read)) {
          return true;
        }
      }
    }
    return false;
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
    return context.reaches(BACKWARD, UNDER_WAY) && isUnderWay(op, context)
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

  /** In OpenCL, one work-item, work-group, or work-item with a work-group to itself, per row. */
  private static Grid rows(int m, int version, OpenClContext context) {
    return switch (version) {
      case 1 -> context.items(m);
      case 2, 4 -> Grid.groups(m, 1, OpenClMachine.GROUP, 1);
      default -> Grid.of(m);
    };
  }

  private static KernelFile file(int version) {
    return version == 4 ? OPENCL.needing(Feature.SUB_GROUPS) : OPENCL;
  }

  private static List<Command> forward(int version, Op.LayerNormForward op, OpenClContext context) {
    int m = Math.toIntExact(op.in().shape().rows());
    return List.of(
        Launch.of(
            file(version),
            "layernorm_forward_v" + version,
            rows(m, version, context),
            activations(op.out()),
            data(op.mean()),
            data(op.rstd()),
            activations(op.in()),
            data(op.weight()),
            data(op.bias()),
            i32(m),
            i32(op.in().shape().dim(-1)),
            f32(op.epsilon())));
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
            file(version),
            "layernorm_backward_v" + version,
            rows(m, version, context),
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
