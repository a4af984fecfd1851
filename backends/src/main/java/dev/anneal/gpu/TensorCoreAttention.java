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
  private static final String WIDE_FILE = "attention_wide.cu";
  private static final String SWEEP_FILE = "attention_sweep.cu";

  /** The last version that is in {@link #FILE}. */
  private static final int LAST = 3;

  /** Of {@link #WIDE_FILE} and {@link #SWEEP_FILE}; what a block has of queries or of keys. */
  private static final MatrixKernels.Block LATER = new MatrixKernels.Block(256, 128, 0);

  /** Blocks that fill a GPU: two on each of an MI300X's compute units. */
  private static final int ENOUGH_BLOCKS = 608;

  private static final int SUM_PACK = 4;
  private static final int THREADS = 256;
  private static final int NARROW = 64;
  private static final int WIDE = 128;
  private static final int PACK = 8;

  private TensorCoreAttention() {}

  /** Whether there is a kernel for heads of {@code hs} channels. */
  static boolean fits(int hs, OpContext context) {
    return context.hardware().matrixKernels().isPresent()
        && context.real() == DType.BF16
        && (hs == NARROW || hs == WIDE);
  }

  private static MatrixKernels.Attention blocks(int hs, OpContext context) {
    return context.hardware().matrixKernels().orElseThrow().attention(hs);
  }

  /** One block for so many of T tokens of one head. */
  private static Launch launch(
      String file,
      String kernel,
      MatrixKernels.Block block,
      int t,
      long sequencesAndHeads,
      List<Argument> arguments) {
    return new Launch(
        file,
        kernel,
        Grid.of(Math.ceilDiv(t, block.rows()), sequencesAndHeads),
        block.threads(),
        block.sharedBytes(),
        arguments);
  }

  /** Whether the version that is chosen is a later one, and there is one. */
  private static boolean isLater(String kernel, OpContext context) {
    return context.version(kernel) > LAST
        && context.hardware().has(MatrixKernels.LaterVersion.ATTENTION);
  }

  static List<Command> forward(Op.AttentionForward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    boolean later = isLater("attention_forward", context);
    return List.of(
        launch(
            later ? WIDE_FILE : FILE,
            "attention_forward_" + hs + (later ? "_v4" : "_v3"),
            later ? LATER : blocks(hs, context).forward(),
            t,
            (long) batch * heads,
            List.of(
                context.at(op.out()),
                context.at(op.logSumExp()),
                context.at(op.qkv()),
                i32(t),
                i32(heads))));
  }

  private static Launch delta(String file, Op.AttentionBackward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    return Launch.of(
        file,
        "attention_delta_" + hs + "_v3",
        Grid.covering(op.out().elements() / PACK, THREADS),
        THREADS,
        context.at(op.delta()),
        context.at(op.dOut()),
        context.at(op.out()),
        i32(batch),
        i32(t),
        i32(heads));
  }

  static List<Command> backward(Op.AttentionBackward op, OpContext context) {
    return isLater("attention_backward", context) ? sweep(op, context) : twoPasses(op, context);
  }

  private static List<Command> twoPasses(Op.AttentionBackward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    List<Argument> arguments =
        List.of(
            context.at(op.dQkv()),
            context.at(op.delta()),
            context.at(op.dOut()),
            context.at(op.qkv()),
            context.at(op.logSumExp()),
            i32(t),
            i32(heads));
    MatrixKernels.Attention blocks = blocks(hs, context);
    long sequencesAndHeads = (long) batch * heads;
    return List.of(
        delta(FILE, op, context),
        launch(
            FILE,
            "attention_backward_key_" + hs + "_v3",
            blocks.backwardKey(),
            t,
            sequencesAndHeads,
            arguments),
        launch(
            FILE,
            "attention_backward_query_" + hs + "_v3",
            blocks.backwardQuery(),
            t,
            sequencesAndHeads,
            arguments));
  }

  private static List<Command> sweep(Op.AttentionBackward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    int sequencesAndHeads = Math.multiplyExact(batch, heads);
    int parts = parts(t, sequencesAndHeads);
    Argument partial = context.scratch((long) Float.BYTES * parts * op.out().elements());
    return List.of(
        delta(SWEEP_FILE, op, context),
        new Launch(
            SWEEP_FILE,
            "attention_backward_" + hs + "_v4",
            Grid.of(parts, sequencesAndHeads),
            LATER.threads(),
            LATER.sharedBytes(),
            List.of(
                context.at(op.dQkv()),
                partial,
                context.at(op.delta()),
                context.at(op.dOut()),
                context.at(op.qkv()),
                context.at(op.logSumExp()),
                i32(t),
                i32(heads))),
        Launch.of(
            SWEEP_FILE,
            "attention_backward_sum_" + hs + "_v4",
            Grid.covering(op.out().elements() / SUM_PACK, THREADS),
            THREADS,
            context.at(op.dQkv()),
            partial,
            i32(t),
            i32(heads),
            i32(sequencesAndHeads),
            i32(parts)));
  }

  /** Blocks that share the tiles of keys of a head: as many as fill a GPU, with two tiles each. */
  private static int parts(int t, int sequencesAndHeads) {
    int tiles = Math.ceilDiv(t, LATER.rows());
    return Math.clamp(Math.ceilDiv(ENOUGH_BLOCKS, sequencesAndHeads), 1, Math.ceilDiv(tiles, 2));
  }
}
