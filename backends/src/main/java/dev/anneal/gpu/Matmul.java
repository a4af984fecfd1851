package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.i32;
import static dev.anneal.gpu.Argument.i64;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;

/** The three products of a linear layer, and the gradient of its bias: matmul.cu, bias.cu. */
final class Matmul {
  private static final String FILE = "matmul.cu";
  private static final int THREADS = 256;
  private static final int TILE = 128;
  private static final int DEPTH = 8;
  private static final int PLAIN_TILE = 16;
  private static final int SUM_THREADS = 1024;
  private static final int PACK_THREADS = 256;

  /** Tiles of dWeight from which on it alone fills a GPU. */
  private static final int ENOUGH_TILES = 128;

  /** Tokens that a block should have at least, when they are split among blocks. */
  private static final int ENOUGH_TOKENS = 256;

  /** The last version that is in {@link #FILE}. */
  private static final int LAST = 3;

  private Matmul() {}

  /**
   * How many of {@code m} tokens a block sums over, in whole tiles of {@code depth}.
   *
   * @param wanted parts; fewer where those would have too few tokens
   */
  static int part(int m, int wanted, int depth) {
    int split = Math.clamp(m / ENOUGH_TOKENS, 1, wanted);
    return Math.ceilDiv(Math.ceilDiv(m, split), depth) * depth;
  }

  private static Grid tiles(int version, int rows, int columns) {
    int tile = version == 1 ? PLAIN_TILE : TILE;
    return Grid.of(Math.ceilDiv(columns, tile), Math.ceilDiv(rows, tile));
  }

  static List<Command> forward(Op.MatmulForward op, OpContext context) {
    return LibraryMatmul.forward(op, context).orElseGet(() -> ownForward(op, context));
  }

  private static List<Command> ownForward(Op.MatmulForward op, OpContext context) {
    int m = Math.toIntExact(op.in().shape().rows());
    int k = op.in().shape().dim(-1);
    int n = op.out().shape().dim(-1);
    int chosen = context.version("matmul_forward");
    if (chosen > LAST && TensorCoreMatmul.fits(n, k, context)) {
      return TensorCoreMatmul.forward(op, context);
    }
    int version = Math.min(LAST, chosen);
    return List.of(
        Launch.of(
            FILE,
            "matmul_forward_v" + version,
            tiles(version, m, n),
            THREADS,
            context.at(op.out()),
            context.at(op.in()),
            context.at(op.weight()),
            context.at(op.bias()),
            i32(m),
            i32(n),
            i32(k)));
  }

  static List<Command> backwardInput(Op.MatmulBackwardInput op, OpContext context) {
    return LibraryMatmul.backwardInput(op, context).orElseGet(() -> ownBackwardInput(op, context));
  }

  private static List<Command> ownBackwardInput(Op.MatmulBackwardInput op, OpContext context) {
    int m = Math.toIntExact(op.dIn().shape().rows());
    int k = op.dIn().shape().dim(-1);
    int n = op.dOut().shape().dim(-1);
    int chosen = context.version("matmul_backward_input");
    if (chosen > LAST && TensorCoreMatmul.fits(n, k, context)) {
      return TensorCoreMatmul.backwardInput(op, context);
    }
    int version = Math.min(LAST, chosen);
    return List.of(
        Launch.of(
            FILE,
            "matmul_backward_input_v" + version,
            tiles(version, m, k),
            THREADS,
            context.at(op.dIn()),
            context.at(op.dOut()),
            context.at(op.weight()),
            i32(m),
            i32(n),
            i32(k)));
  }

  static List<Command> backwardWeight(Op.MatmulBackwardWeight op, OpContext context) {
    return LibraryMatmul.backwardWeight(op, context)
        .orElseGet(() -> ownBackwardWeight(op, context));
  }

  private static List<Command> ownBackwardWeight(Op.MatmulBackwardWeight op, OpContext context) {
    int m = Math.toIntExact(op.in().shape().rows());
    int k = op.in().shape().dim(-1);
    int n = op.dOut().shape().dim(-1);
    int chosen = context.version("matmul_backward_weight");
    if (chosen > LAST && TensorCoreMatmul.fits(n, k, context)) {
      return TensorCoreMatmul.backwardWeight(op, context);
    }
    int version = Math.min(LAST, chosen);
    Grid tiles = tiles(version, n, k);
    if (version < 3) {
      return List.of(
          Launch.of(
              FILE,
              "matmul_backward_weight_v" + version,
              tiles,
              THREADS,
              context.at(op.dWeight()),
              context.at(op.dOut()),
              context.at(op.in()),
              i32(m),
              i32(n),
              i32(k),
              i32(op.accumulate())));
    }
    int part = part(m, Math.ceilDiv(ENOUGH_TILES, tiles.x() * tiles.y()), DEPTH);
    int parts = Math.ceilDiv(m, part);
    long elements = op.dWeight().elements();
    Argument partial = parts == 1 ? Argument.address(0) : context.scratch(4 * elements * parts);
    List<Command> commands = new ArrayList<>();
    commands.add(
        Launch.of(
            FILE,
            "matmul_backward_weight_v3",
            new Grid(tiles.x(), tiles.y(), parts),
            THREADS,
            context.at(op.dWeight()),
            partial,
            context.at(op.dOut()),
            context.at(op.in()),
            i32(m),
            i32(n),
            i32(k),
            i32(part),
            i32(op.accumulate())));
    if (parts > 1) {
      commands.add(
          Launch.of(
              FILE,
              "matmul_backward_weight_sum_v3",
              Grid.covering(elements, THREADS),
              THREADS,
              context.at(op.dWeight()),
              partial,
              i64(elements),
              i32(parts),
              i32(op.accumulate())));
    }
    return commands;
  }

  /** After a product without it. */
  static List<Command> addBias(Tensor out, Tensor bias, OpContext context) {
    long packs = Math.ceilDiv(out.elements(), context.pack());
    return List.of(
        Launch.of(
            "bias.cu",
            "bias_forward_v1",
            Grid.covering(packs, PACK_THREADS),
            PACK_THREADS,
            context.at(out),
            context.at(bias),
            i64(out.elements()),
            i32(out.shape().dim(-1))));
  }

  static List<Command> biasBackward(Op.BiasBackward op, OpContext context) {
    int rows = Math.toIntExact(op.dOut().shape().rows());
    int n = op.dBias().shape().dim(-1);
    if (context.version("bias_backward") == 1) {
      return List.of(
          Launch.of(
              "bias.cu",
              "bias_backward_v1",
              Grid.covering(n, THREADS),
              THREADS,
              context.at(op.dBias()),
              context.at(op.dOut()),
              i32(rows),
              i32(n),
              i32(op.accumulate())));
    }
    // At most 256 partial sums, and at least 64 rows each.
    int rowsPerBlock = Math.max(64, Math.ceilDiv(rows, 256));
    int blocks = Math.ceilDiv(rows, rowsPerBlock);
    Argument partial = context.scratch(4L * blocks * n);
    return List.of(
        Launch.of(
            "bias.cu",
            "bias_backward_v2",
            Grid.of(Math.ceilDiv(n, context.warp() * context.pack()), blocks),
            THREADS,
            partial,
            context.at(op.dOut()),
            i32(rows),
            i32(n),
            i32(rowsPerBlock)),
        Launch.of(
            "bias.cu",
            "bias_backward_sum_v2",
            Grid.of(Math.ceilDiv(n, context.warp())),
            SUM_THREADS,
            context.at(op.dBias()),
            partial,
            i32(blocks),
            i32(n),
            i32(op.accumulate())));
  }
}
