package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.data;

import dev.anneal.launch.Matmul.Sizes;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The three products of a linear layer on tensor cores: matmul_mma.cu, matmul_deep.cu. */
final class TensorCoreMatmul {
  private static final int TILE = 128;

  /** A kernel file, the version that is in it, and how many inner indices its tiles have. */
  record Variant(KernelFile file, int number, int depth) {
    private String kernel(String name) {
      return name + "_v" + number;
    }
  }

  static final Variant FIRST = new Variant(KernelFile.of("matmul_mma.cu"), 4, 32);
  static final Variant DEEP = new Variant(KernelFile.of("matmul_deep.cu"), 5, 64);

  /** Numbers that are copied at once, of which a row must have whole ones. */
  private static final int PACK = 8;

  /** Blocks that run at the same time, two on each of an A100's multiprocessors. */
  private static final int TOGETHER = 216;

  private static final int SUM_THREADS = 256;
  private static final int SUM_PACK = 4;

  private TensorCoreMatmul() {}

  /** How a block is launched; nothing where there is no kernel for a weight of these sizes. */
  private static Optional<MatrixKernels.Block> block(Sizes s, CudaContext context) {
    return context
        .hardware()
        .matrixKernels()
        .filter(kernels -> s.n() % PACK == 0 && s.k() % PACK == 0)
        .map(MatrixKernels::product);
  }

  private static Grid tiles(int rows, int columns) {
    return Grid.of(Math.ceilDiv(columns, TILE), Math.ceilDiv(rows, TILE));
  }

  private static Launch launch(
      Variant variant, String name, MatrixKernels.Block block, Grid grid, Argument... arguments) {
    return Launch.of(variant.file(), variant.kernel(name), grid, block.threads(), arguments)
        .sharing(block.sharedBytes());
  }

  static Optional<List<Command>> forward(
      Variant variant, Op.MatmulForward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return block(s, context)
        .map(
            block ->
                List.of(
                    launch(
                        variant,
                        "matmul_forward",
                        block,
                        tiles(s.m(), s.n()),
                        data(op.out()),
                        data(op.in()),
                        data(op.weight()),
                        data(op.bias()),
                        i32(s.m()),
                        i32(s.n()),
                        i32(s.k()))));
  }

  static Optional<List<Command>> backwardInput(
      Variant variant, Op.MatmulBackwardInput op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return block(s, context)
        .map(
            block ->
                List.of(
                    launch(
                        variant,
                        "matmul_backward_input",
                        block,
                        tiles(s.m(), s.k()),
                        data(op.dIn()),
                        data(op.dOut()),
                        data(op.weight()),
                        i32(s.m()),
                        i32(s.n()),
                        i32(s.k()))));
  }

  static Optional<List<Command>> backwardWeight(
      Variant variant, Op.MatmulBackwardWeight op, CudaContext context) {
    return block(Sizes.of(op), context).map(block -> split(variant, block, op, context));
  }

  private static List<Command> split(
      Variant variant, MatrixKernels.Block block, Op.MatmulBackwardWeight op, CudaContext context) {
    Sizes s = Sizes.of(op);
    Grid tiles = tiles(s.n(), s.k());
    long wanted = Math.max(1, TOGETHER / (tiles.x() * tiles.y()));
    int part = CudaMatmul.part(s.m(), wanted, variant.depth());
    int parts = Math.ceilDiv(s.m(), part);
    long elements = op.dWeight().elements();
    Place partial = parts == 1 ? Place.NONE : context.scratch(4 * elements * parts);
    List<Command> commands = new ArrayList<>();
    commands.add(
        launch(
            variant,
            "matmul_backward_weight",
            block,
            Grid.of(tiles.x(), tiles.y(), parts),
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
              variant.file(),
              "matmul_backward_weight_sum_v4",
              Grid.covering(elements / SUM_PACK, SUM_THREADS),
              data(op.dWeight()),
              partial,
              i64(elements),
              i32(parts),
              i32(op.accumulate())));
    }
    return commands;
  }
}
