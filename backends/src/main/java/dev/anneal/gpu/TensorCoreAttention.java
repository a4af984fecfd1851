package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.i32;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import java.util.List;

/** Causal self-attention on tensor cores: attention_mma.cu. */
final class TensorCoreAttention {
  private static final String FILE = "attention_mma.cu";
  private static final int THREADS = 128;
  private static final int DELTA_THREADS = 256;
  private static final int NARROW = 64;
  private static final int WIDE = 128;
  private static final int FORWARD_QUERIES = 128;
  private static final int BACKWARD_LOOP = 32;
  private static final int BYTES = 2;
  private static final int PACK = 8;

  private TensorCoreAttention() {}

  /** Whether there is a kernel for heads of {@code hs} channels. */
  static boolean fits(int hs, OpContext context) {
    return context.hardware().tensorCores()
        && context.real() == DType.BF16
        && (hs == NARROW || hs == WIDE);
  }

  /** Keys that the forward pass goes through at once: fewer where rows are long. */
  private static int forwardKeys(int hs) {
    return hs == NARROW ? 64 : 32;
  }

  /** Keys, or queries, that a block of the backward pass has. */
  private static int backwardTile(int hs) {
    return hs == NARROW ? 128 : 64;
  }

  private static int rowBytes(int rows, int hs) {
    return BYTES * rows * hs;
  }

  static List<Command> forward(Op.AttentionForward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    return List.of(
        new Launch(
            FILE,
            "attention_forward_" + hs + "_v3",
            Grid.of(Math.ceilDiv(t, FORWARD_QUERIES), (long) batch * heads),
            THREADS,
            rowBytes(FORWARD_QUERIES + 2 * forwardKeys(hs), hs),
            List.of(
                context.at(op.out()),
                context.at(op.logSumExp()),
                context.at(op.qkv()),
                i32(t),
                i32(heads))));
  }

  static List<Command> backward(Op.AttentionBackward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    long packs = (long) batch * t * heads * hs / PACK;
    Launch delta =
        Launch.of(
            FILE,
            "attention_delta_" + hs + "_v3",
            Grid.covering(packs, DELTA_THREADS),
            DELTA_THREADS,
            context.at(op.delta()),
            context.at(op.dOut()),
            context.at(op.out()),
            i32(batch),
            i32(t),
            i32(heads));
    List<Argument> arguments =
        List.of(
            context.at(op.dQkv()),
            context.at(op.delta()),
            context.at(op.dOut()),
            context.at(op.qkv()),
            context.at(op.logSumExp()),
            i32(t),
            i32(heads));
    Grid grid = Grid.of(Math.ceilDiv(t, backwardTile(hs)), (long) batch * heads);
    int tiles = rowBytes(2 * backwardTile(hs) + 4 * BACKWARD_LOOP, hs);
    // Beside the tiles, logSumExp and delta of two tiles of queries.
    int statistics = 2 * 2 * 4 * BACKWARD_LOOP;
    return List.of(
        delta,
        new Launch(
            FILE,
            "attention_backward_key_" + hs + "_v3",
            grid,
            THREADS,
            tiles + statistics,
            arguments),
        new Launch(
            FILE, "attention_backward_query_" + hs + "_v3", grid, THREADS, tiles, arguments));
  }
}
