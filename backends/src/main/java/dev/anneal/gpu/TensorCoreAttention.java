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
  private static final int DELTA_THREADS = 256;
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
      String kernel,
      MatrixKernels.Block block,
      int t,
      long sequencesAndHeads,
      List<Argument> arguments) {
    return new Launch(
        FILE,
        kernel,
        Grid.of(Math.ceilDiv(t, block.rows()), sequencesAndHeads),
        block.threads(),
        block.sharedBytes(),
        arguments);
  }

  static List<Command> forward(Op.AttentionForward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    return List.of(
        launch(
            "attention_forward_" + hs + "_v3",
            blocks(hs, context).forward(),
            t,
            (long) batch * heads,
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
    MatrixKernels.Attention blocks = blocks(hs, context);
    long sequencesAndHeads = (long) batch * heads;
    return List.of(
        delta,
        launch(
            "attention_backward_key_" + hs + "_v3",
            blocks.backwardKey(),
            t,
            sequencesAndHeads,
            arguments),
        launch(
            "attention_backward_query_" + hs + "_v3",
            blocks.backwardQuery(),
            t,
            sequencesAndHeads,
            arguments));
  }
}
