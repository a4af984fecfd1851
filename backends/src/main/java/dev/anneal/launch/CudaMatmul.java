package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.data;

import dev.anneal.launch.Matmul.Sizes;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** The three products of a linear layer: matmul.cu. */
final class CudaMatmul {
  private static final KernelFile FILE = KernelFile.of("matmul.cu");
  private static final int THREADS = 256;
  private static final int TILE = 128;
  private static final int DEPTH = 8;
  private static final int PLAIN_TILE = 16;

  /** Tiles of dWeight from which on it alone fills a GPU. */
  private static final int ENOUGH_TILES = 128;

  /** Tokens that a block should have at least, when they are split among blocks. */
  private static final int ENOUGH_TOKENS = 256;

  private CudaMatmul() {}

  /**
   * How many of {@code m} tokens a block sums over, in whole tiles of {@code depth}.
   *
   * @param wanted parts; fewer where those would have too few tokens
   */
  static int part(int m, long wanted, int depth) {
    int split = Math.clamp(m / ENOUGH_TOKENS, 1, Math.toIntExact(wanted));
    return Math.ceilDiv(Math.ceilDiv(m, split), depth) * depth;
  }

  private static Grid tiles(int version, int rows, int columns) {
    int tile = version == 1 ? PLAIN_TILE : TILE;
    return Grid.of(Math.ceilDiv(columns, tile), Math.ceilDiv(rows, tile));
  }

  static List<Command> forward(int version, Op.MatmulForward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        Launch.of(
            FILE,
            "matmul_forward_v" + version,
            tiles(version, s.m(), s.n()),
            THREADS,
            data(op.out()),
            data(op.in()),
            data(op.weight()),
            data(op.bias()),
            i32(s.m()),
            i32(s.n()),
            i32(s.k())));
  }

  static List<Command> backwardInput(int version, Op.MatmulBackwardInput op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        Launch.of(
            FILE,
            "matmul_backward_input_v" + version,
            tiles(version, s.m(), s.k()),
            THREADS,
            data(op.dIn()),
            data(op.dOut()),
            data(op.weight()),
            i32(s.m()),
            i32(s.n()),
            i32(s.k())));
  }

  static List<Command> backwardWeight(
      int version, Op.MatmulBackwardWeight op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        Launch.of(
            FILE,
            "matmul_backward_weight_v" + version,
            tiles(version, s.n(), s.k()),
            THREADS,
            data(op.dWeight()),
            data(op.dOut()),
            data(op.in()),
            i32(s.m()),
            i32(s.n()),
            i32(s.k()),
            i32(op.accumulate())));
  }

  /** With the tokens split among blocks, whose sums a second launch adds up. */
  static List<Command> splitBackwardWeight(Op.MatmulBackwardWeight op, CudaContext context) {
    Sizes s = Sizes.of(op);
    Grid tiles = tiles(3, s.n(), s.k());
    int part = part(s.m(), Math.ceilDiv(ENOUGH_TILES, tiles.x() * tiles.y()), DEPTH);
    int parts = Math.ceilDiv(s.m(), part);
    long elements = op.dWeight().elements();
    Place partial = parts == 1 ? Place.NONE : context.scratch(4 * elements * parts);
    List<Command> commands = new ArrayList<>();
    commands.add(
        Launch.of(
            FILE,
            "matmul_backward_weight_v3",
            Grid.of(tiles.x(), tiles.y(), parts),
            THREADS,
            data(op.dWeight()),
            partial,
            data(op.dOut()),
            data(op.in()),
            i32(s.m()),
            i32(s.n()),
            i32(s.k()),
            i32(part),
            i32(op.accumulate())));
    if (parts > 1) {
      commands.add(
          Launch.of(
              FILE,
              "matmul_backward_weight_sum_v3",
              Grid.covering(elements, THREADS),
              data(op.dWeight()),
              partial,
              i64(elements),
              i32(parts),
              i32(op.accumulate())));
    }
    return commands;
  }
}
