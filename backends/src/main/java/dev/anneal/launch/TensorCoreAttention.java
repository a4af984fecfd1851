package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.data;

import dev.anneal.launch.Attention.Sizes;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Optional;

/**
 * Causal self-attention on tensor cores, for heads of 64 or 128: attention_mma.cu, and the later
 * versions of attention_wide.cu and attention_sweep.cu.
 */
final class TensorCoreAttention {
  private static final KernelFile FILE = KernelFile.of("attention_mma.cu");
  private static final KernelFile WIDE = KernelFile.of("attention_wide.cu");
  private static final KernelFile SWEEP = KernelFile.of("attention_sweep.cu");

  /** Of {@link #WIDE} and {@link #SWEEP}; what a block has of queries or of keys. */
  private static final MatrixKernels.Block LATER = new MatrixKernels.Block(256, 128, 0);

  /** Blocks that fill a GPU: two on each of an MI300X's compute units. */
  private static final int ENOUGH_BLOCKS = 608;

  private static final int SUM_PACK = 4;
  private static final int THREADS = 256;
  private static final int PACK = 8;

  private TensorCoreAttention() {}

  private static Optional<MatrixKernels.Attention> blocks(Sizes s, CudaContext context) {
    return context.hardware().matrixKernels().map(kernels -> kernels.attention(s.headSize()));
  }

  /** One block for so many of T tokens of one head. */
  private static Launch launch(
      KernelFile file, String kernel, MatrixKernels.Block block, Sizes s, Argument... arguments) {
    return Launch.of(
            file,
            kernel,
            Grid.of(Math.ceilDiv(s.t(), block.rows()), s.allHeads()),
            block.threads(),
            arguments)
        .sharing(block.sharedBytes());
  }

  static Optional<List<Command>> forward(Op.AttentionForward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return blocks(s, context).map(blocks -> List.of(forward(FILE, "_v3", blocks.forward(), op)));
  }

  static List<Command> wideForward(Op.AttentionForward op, CudaContext context) {
    return List.of(forward(WIDE, "_v4", LATER, op));
  }

  private static Launch forward(
      KernelFile file, String version, MatrixKernels.Block block, Op.AttentionForward op) {
    Sizes s = Sizes.of(op);
    return launch(
        file,
        "attention_forward_" + s.headSize() + version,
        block,
        s,
        data(op.out()),
        data(op.logSumExp()),
        data(op.qkv()),
        i32(s.t()),
        i32(s.heads()));
  }

  private static Launch delta(KernelFile file, Op.AttentionBackward op) {
    Sizes s = Sizes.of(op);
    return Launch.of(
        file,
        "attention_delta_" + s.headSize() + "_v3",
        Grid.covering(op.out().elements() / PACK, THREADS),
        data(op.delta()),
        data(op.dOut()),
        data(op.out()),
        i32(s.batch()),
        i32(s.t()),
        i32(s.heads()));
  }

  static Optional<List<Command>> backward(Op.AttentionBackward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return blocks(s, context)
        .map(
            blocks ->
                List.of(
                    delta(FILE, op),
                    side("key_", blocks.backwardKey(), op, s),
                    side("query_", blocks.backwardQuery(), op, s)));
  }

  private static Launch side(
      String side, MatrixKernels.Block block, Op.AttentionBackward op, Sizes s) {
    return launch(
        FILE,
        "attention_backward_" + side + s.headSize() + "_v3",
        block,
        s,
        data(op.dQkv()),
        data(op.delta()),
        data(op.dOut()),
        data(op.qkv()),
        data(op.logSumExp()),
        i32(s.t()),
        i32(s.heads()));
  }

  static List<Command> sweep(Op.AttentionBackward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    int sequencesAndHeads = Math.toIntExact(s.allHeads());
    int parts = parts(s.t(), sequencesAndHeads);
    Place partial = context.scratch((long) Float.BYTES * parts * op.out().elements());
    return List.of(
        delta(SWEEP, op),
        Launch.of(
                SWEEP,
                "attention_backward_" + s.headSize() + "_v4",
                Grid.of(parts, sequencesAndHeads),
                LATER.threads(),
                data(op.dQkv()),
                partial,
                data(op.delta()),
                data(op.dOut()),
                data(op.qkv()),
                data(op.logSumExp()),
                i32(s.t()),
                i32(s.heads()))
            .sharing(LATER.sharedBytes()),
        Launch.of(
            SWEEP,
            "attention_backward_sum_" + s.headSize() + "_v4",
            Grid.covering(op.out().elements() / SUM_PACK, THREADS),
            data(op.dQkv()),
            partial,
            i32(s.t()),
            i32(s.heads()),
            i32(sequencesAndHeads),
            i32(parts)));
  }

  /** Blocks that share the tiles of keys of a head: as many as fill a GPU, with two tiles each. */
  private static int parts(int t, int sequencesAndHeads) {
    int tiles = Math.ceilDiv(t, LATER.rows());
    return Math.clamp(Math.ceilDiv(ENOUGH_BLOCKS, sequencesAndHeads), 1, Math.ceilDiv(tiles, 2));
  }
}
