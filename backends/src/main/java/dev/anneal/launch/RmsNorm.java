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

/** RMS normalisation: rmsnorm.cu, rmsnorm.cl. */
final class RmsNorm {
  private static final KernelFile CUDA = KernelFile.of("rmsnorm.cu");
  private static final KernelFile OPENCL = KernelFile.of("rmsnorm");
  private static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  /** The most channels that a block has room for in its registers. */
  private static final int MOST_CHANNELS = 4096;

  /** OpenCL: rows of a tile. */
  private static final int TILE_ROWS = 32;

  static final Kernel<Op.RmsNormForward> FORWARD =
      new Kernel<>(
          "rmsnorm_forward",
          Op.RmsNormForward.class,
          List.of(
              Version.of("plain: one thread per row", (op, context) -> plainForward(op)),
              Version.possibly(
                  "one block per row, 128-bit packs that stay in registers",
                  Suits.ALL,
                  (op, context) ->
                      channels(op.in()) <= MOST_CHANNELS
                          ? Optional.of(inBlocks(op, context))
                          : Optional.empty())),
          List.of(
              Version.of(Ideas.PER_ROW, (op, context) -> forward(1, op, context)),
              Version.of(Ideas.GROUP_PER_ROW, Ideas.GPUS, (op, context) -> forward(2, op, context)),
              Version.of(Ideas.LANES, Ideas.CPUS, (op, context) -> forward(3, op, context)),
              Version.of(
                  Ideas.EXCHANGES, Ideas.SUB_GROUPS, (op, context) -> forward(4, op, context))));

  static final Kernel<Op.RmsNormBackward> BACKWARD =
      new Kernel<>(
          "rmsnorm_backward",
          Op.RmsNormBackward.class,
          List.of(
              Version.of(
                  "plain: one thread per row, one per channel", (op, context) -> plainBackward(op)),
              Version.possibly(
                  "rows read once, channels' sums in registers",
                  Suits.ALL,
                  (op, context) ->
                      channels(op.in()) <= MOST_CHANNELS
                          ? Optional.of(inBlocks(op, context))
                          : Optional.empty())),
          List.of(
              Version.of(Ideas.PER_ROW, (op, context) -> backward(1, op, context)),
              Version.of(
                  Ideas.GROUP_PER_ROW, Ideas.GPUS, (op, context) -> backward(2, op, context)),
              Version.of(Ideas.LANES, Ideas.CPUS, (op, context) -> backward(3, op, context)),
              Version.of(
                  Ideas.EXCHANGES, Ideas.SUB_GROUPS, (op, context) -> backward(4, op, context))));

  private RmsNorm() {}

  private static int rows(Tensor in) {
    return Math.toIntExact(in.shape().rows());
  }

  private static int channels(Tensor in) {
    return in.shape().dim(-1);
  }

  /** Threads of a block that has a pack of a row for each. */
  private static int packs(Tensor in, CudaContext context) {
    return context.wholeWarps(Math.ceilDiv(channels(in), context.pack()));
  }

  private static List<Command> plainForward(Op.RmsNormForward op) {
    return cudaForward(1, op, Grid.covering(rows(op.in()), THREADS));
  }

  private static List<Command> inBlocks(Op.RmsNormForward op, CudaContext context) {
    return cudaForward(2, op, Grid.of(rows(op.in())).inBlocksOf(packs(op.in(), context)));
  }

  private static List<Command> cudaForward(int version, Op.RmsNormForward op, Grid grid) {
    return List.of(
        Launch.of(
            CUDA,
            "rmsnorm_forward_v" + version,
            grid,
            data(op.out()),
            data(op.rstd()),
            data(op.in()),
            data(op.weight()),
            i32(rows(op.in())),
            i32(channels(op.in())),
            f32(op.epsilon())));
  }

  private static List<Command> plainBackward(Op.RmsNormBackward op) {
    int rows = rows(op.in());
    int c = channels(op.in());
    return List.of(
        Launch.of(
            CUDA,
            "rmsnorm_backward_weight_v1",
            Grid.covering(c, THREADS),
            data(op.dWeight()),
            data(op.dOut()),
            data(op.in()),
            data(op.rstd()),
            i32(rows),
            i32(c),
            i32(op.accumulate())),
        Launch.of(
            CUDA,
            "rmsnorm_backward_input_v1",
            Grid.covering(rows, THREADS),
            data(op.dIn()),
            data(op.dOut()),
            data(op.in()),
            data(op.weight()),
            data(op.rstd()),
            data(op.residual()),
            i32(rows),
            i32(c)));
  }

  private static List<Command> inBlocks(Op.RmsNormBackward op, CudaContext context) {
    int rows = rows(op.in());
    int c = channels(op.in());
    // At most 1024 partial sums, and at least 16 rows each.
    int rowsPerBlock = Math.max(16, Math.ceilDiv(rows, 1024));
    int blocks = Math.ceilDiv(rows, rowsPerBlock);
    Place partial = context.scratch((long) Float.BYTES * blocks * c);
    return List.of(
        Launch.of(
            CUDA,
            "rmsnorm_backward_v2",
            Grid.of(blocks).inBlocksOf(packs(op.in(), context)),
            data(op.dIn()),
            partial,
            data(op.dOut()),
            data(op.in()),
            data(op.weight()),
            data(op.rstd()),
            data(op.residual()),
            i32(rows),
            i32(c),
            i32(rowsPerBlock)),
        Launch.of(
            CUDA,
            "rmsnorm_backward_sum_v2",
            Grid.of(Math.ceilDiv(c, context.warp())),
            SUM_THREADS,
            data(op.dWeight()),
            partial,
            i32(blocks),
            i32(c),
            i32(op.accumulate())));
  }

  /** In OpenCL, one work-item, work-group, or work-item with a work-group to itself, per row. */
  private static Grid grid(int m, int version, OpenClContext context) {
    return switch (version) {
      case 1 -> context.items(m);
      case 2, 4 -> Grid.groups(m, 1, OpenClMachine.GROUP, 1);
      default -> Grid.of(m);
    };
  }

  private static KernelFile file(int version) {
    return version == 4 ? OPENCL.needing(Feature.SUB_GROUPS) : OPENCL;
  }

  private static List<Command> forward(int version, Op.RmsNormForward op, OpenClContext context) {
    int m = rows(op.in());
    return List.of(
        Launch.of(
            file(version),
            "rmsnorm_forward_v" + version,
            grid(m, version, context),
            activations(op.out()),
            data(op.rstd()),
            activations(op.in()),
            data(op.weight()),
            i32(m),
            i32(channels(op.in())),
            f32(op.epsilon())));
  }

  private static List<Command> backward(int version, Op.RmsNormBackward op, OpenClContext context) {
    int m = rows(op.in());
    int c = channels(op.in());
    // The weight first: dIn may take the place of what only the rows' kernel reads.
    List<Command> launches =
        new ArrayList<>(
            version == 1
                ? List.of(weight(op, m, c, context))
                : inTiles(version, op, m, c, context));
    launches.add(
        Launch.of(
            file(version),
            "rmsnorm_backward_v" + version,
            grid(m, version, context),
            activations(op.dIn()),
            activations(op.dOut()),
            activations(op.in()),
            data(op.weight()),
            data(op.rstd()),
            activations(op.residual().orElse(op.dOut())),
            i32(op.residual().isPresent()),
            i32(m),
            i32(c)));
    return launches;
  }

  private static Launch weight(Op.RmsNormBackward op, int m, int c, OpenClContext context) {
    return Launch.of(
        OPENCL,
        "rmsnorm_backward_weight_v1",
        context.items(c),
        data(op.dWeight()),
        activations(op.dOut()),
        activations(op.in()),
        data(op.rstd()),
        i32(m),
        i32(c),
        i32(op.accumulate()));
  }

  private static List<Command> inTiles(
      int version, Op.RmsNormBackward op, int m, int c, OpenClContext context) {
    int tiles = Math.ceilDiv(m, TILE_ROWS);
    Place.Scratch partial = context.floats((long) tiles * c);
    return List.of(
        Launch.of(
            OPENCL,
            "rmsnorm_backward_weight_v" + (version == 3 ? 3 : 2),
            version == 3
                ? Grid.of(Math.ceilDiv(c, Elementwise.VECTOR), tiles)
                : context.items(c, tiles),
            partial,
            activations(op.dOut()),
            activations(op.in()),
            data(op.rstd()),
            i32(m),
            i32(c)),
        TileSums.add(data(op.dWeight()), partial, tiles, c, op.accumulate(), context));
  }
}
