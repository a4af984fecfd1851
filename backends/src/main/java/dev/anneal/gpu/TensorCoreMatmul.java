package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.i32;
import static dev.anneal.gpu.Argument.i64;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** The three products of a linear layer on tensor cores: matmul_mma.cu. */
final class TensorCoreMatmul {
  private static final int TILE = 128;

  /** A kernel file, the version that is in it, and how many inner indices its tiles have. */
  private record Version(String file, int number, int depth) {
    String kernel(String name) {
      return name + "_v" + number;
    }
  }

  private static final Version FIRST = new Version("matmul_mma.cu", 4, 32);
  private static final Version DEEP = new Version("matmul_deep.cu", 5, 64);

  /** Numbers that are copied at once, of which a row must have whole ones. */
  private static final int PACK = 8;

  /** Blocks that run at the same time, two on each of an A100's multiprocessors. */
  private static final int TOGETHER = 216;

  private static final int SUM_THREADS = 256;
  private static final int SUM_PACK = 4;

  private TensorCoreMatmul() {}

  /** Whether there is a kernel for a weight (n,k). */
  static boolean fits(int n, int k, OpContext context) {
    return context.hardware().matrixKernels().isPresent()
        && context.real() == DType.BF16
        && n % PACK == 0
        && k % PACK == 0;
  }

  private static Grid tiles(int rows, int columns) {
    return Grid.of(Math.ceilDiv(columns, TILE), Math.ceilDiv(rows, TILE));
  }

  /** The one that is chosen, where there is it. */
  private static Version version(String name, OpContext context) {
    return context.version(name) > FIRST.number()
            && context.hardware().has(MatrixKernels.LaterVersion.PRODUCTS)
        ? DEEP
        : FIRST;
  }

  private static Launch launch(OpContext context, String name, Grid grid, Argument... arguments) {
    MatrixKernels.Block block = context.hardware().matrixKernels().orElseThrow().product();
    Version version = version(name, context);
    return new Launch(
        version.file(),
        version.kernel(name),
        grid,
        block.threads(),
        block.sharedBytes(),
        List.of(arguments));
  }

  static List<Command> forward(Op.MatmulForward op, OpContext context) {
    int m = Math.toIntExact(op.in().shape().rows());
    int k = op.in().shape().dim(-1);
    int n = op.out().shape().dim(-1);
    return List.of(
        launch(
            context,
            "matmul_forward",
            tiles(m, n),
            context.at(op.out()),
            context.at(op.in()),
            context.at(op.weight()),
            context.at(op.bias()),
            i32(m),
            i32(n),
            i32(k)));
  }

  static List<Command> backwardInput(Op.MatmulBackwardInput op, OpContext context) {
    int m = Math.toIntExact(op.dIn().shape().rows());
    int k = op.dIn().shape().dim(-1);
    int n = op.dOut().shape().dim(-1);
    return List.of(
        launch(
            context,
            "matmul_backward_input",
            tiles(m, k),
            context.at(op.dIn()),
            context.at(op.dOut()),
            context.at(op.weight()),
            i32(m),
            i32(n),
            i32(k)));
  }

  static List<Command> backwardWeight(Op.MatmulBackwardWeight op, OpContext context) {
    int m = Math.toIntExact(op.in().shape().rows());
    int k = op.in().shape().dim(-1);
    int n = op.dOut().shape().dim(-1);
    Grid tiles = tiles(n, k);
    int wanted = Math.max(1, TOGETHER / (tiles.x() * tiles.y()));
    Version version = version("matmul_backward_weight", context);
    int part = Matmul.part(m, wanted, version.depth());
    int parts = Math.ceilDiv(m, part);
    long elements = op.dWeight().elements();
    Argument partial = parts == 1 ? Argument.address(0) : context.scratch(4 * elements * parts);
    List<Command> commands = new ArrayList<>();
    commands.add(
        launch(
            context,
            "matmul_backward_weight",
            new Grid(tiles.x(), tiles.y(), parts),
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
              version.file(),
              "matmul_backward_weight_sum_v4",
              Grid.covering(elements / SUM_PACK, SUM_THREADS),
              SUM_THREADS,
              context.at(op.dWeight()),
              partial,
              i64(elements),
              i32(parts),
              i32(op.accumulate())));
    }
    return commands;
  }
}
