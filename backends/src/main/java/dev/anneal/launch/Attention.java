package dev.anneal.launch;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import java.util.List;

/**
 * The versions of causal self-attention: {@link CudaAttention}, {@link TensorCoreAttention}, {@link
 * LibraryAttention}; {@link OpenClAttention}.
 */
final class Attention {
  private static final String PLAIN = "plain: one thread per query";
  private static final String TILES = "tiles of queries and keys in shared memory";
  private static final String TENSOR_CORES = Ideas.TENSOR_CORES + ", heads of 64 or 128";
  private static final Suits NARROW_HEADS = Suits.ALL.ofHeads(1, 128);
  private static final Suits UNIT_HEADS = Suits.ALL.of(DType.BF16).ofHeads(64, 128);
  private static final Suits LATER = UNIT_HEADS.needing(Feature.LATER_ATTENTION);
  private static final Suits LIBRARY = Suits.ALL.needing(Feature.ATTENTION_LIBRARY);

  private static final String TILED_TOKENS =
      "for GPUs: one work-group per 64 tokens, the others through local memory";
  private static final String PACKED_TOKENS =
      "for CPUs: 8 tokens per work-item, the others packed into panels of 32";
  private static final String LANES_OF_TOKENS =
      "for GPUs: eight lanes per query or key, rows of 32 or 16 through local memory, by vectors";

  /** What OpenCL 1.1 and later promise of every device that is no embedded one. */
  private static final Suits LANES = Ideas.GPUS.ofHeads(1, 128).sharing(32 * 1024);

  static final Kernel<Op.AttentionForward> FORWARD =
      new Kernel<>(
          "attention_forward",
          Op.AttentionForward.class,
          List.of(
              Version.of(PLAIN, CudaAttention::plainForward),
              Version.of(TILES, NARROW_HEADS, CudaAttention::forward),
              Version.possibly(TENSOR_CORES, UNIT_HEADS, TensorCoreAttention::forward),
              Version.of(
                  "tensor cores by products of 32 x 32, keys and values loaded by turns",
                  LATER,
                  TensorCoreAttention::wideForward),
              new Version<>(name -> name, LIBRARY, LibraryAttention::forward)),
          List.of(
              Version.numbered(1, "one work-item per query", OpenClAttention::forward),
              Version.numbered(2, TILED_TOKENS, Ideas.GPUS, OpenClAttention::forward),
              Version.of(PACKED_TOKENS, Ideas.CPUS, OpenClAttention::forwardPacked),
              Version.numbered(4, LANES_OF_TOKENS, LANES, OpenClAttention::forward)));

  /** Kernels of ours, which compete with a library's. */
  static final Version<Op.AttentionBackward, CudaContext> OWN_BACKWARD =
      Version.possibly(TENSOR_CORES, UNIT_HEADS, TensorCoreAttention::backward);

  static final Version<Op.AttentionBackward, CudaContext> SUMMED =
      new Version<>(
          name -> name + ", summed: blocks of keys add up the queries' gradients",
          LIBRARY,
          LibraryAttention::summed);

  static final Version<Op.AttentionBackward, CudaContext> IN_PARTS =
      new Version<>(
          name -> name + " in parts of the batch: the scores' gradients in scratch",
          LIBRARY,
          LibraryAttention::inParts);

  static final Version<Op.AttentionBackward, CudaContext> FASTEST =
      new Version<>(
          name -> "the fastest of v3 to v5 whose bits may be used, tried once per shape",
          LIBRARY,
          LibraryAttention::fastest);

  static final Kernel<Op.AttentionBackward> BACKWARD =
      new Kernel<>(
          "attention_backward",
          Op.AttentionBackward.class,
          List.of(
              Version.of(PLAIN + ", then one per key", CudaAttention::plainBackward),
              Version.of(TILES, NARROW_HEADS, CudaAttention::backward),
              OWN_BACKWARD,
              Version.of(
                  "tensor cores by products of 32 x 32, all gradients in one sweep",
                  LATER,
                  TensorCoreAttention::sweep),
              SUMMED,
              IN_PARTS,
              FASTEST),
          List.of(
              Version.numbered(
                  1, "one work-item per query, and one per key", OpenClAttention::backward),
              Version.numbered(2, TILED_TOKENS, Ideas.GPUS, OpenClAttention::backward),
              Version.of(PACKED_TOKENS, Ideas.CPUS, OpenClAttention::backwardPacked),
              Version.numbered(4, LANES_OF_TOKENS, LANES, OpenClAttention::backward)));

  private Attention() {}

  /** Sizes as all kernels have them. */
  record Sizes(int batch, int t, int heads, int headSize) {
    static Sizes of(Op.AttentionForward op) {
      return of(op.out().shape(), op.heads());
    }

    static Sizes of(Op.AttentionBackward op) {
      return of(op.out().shape(), op.heads());
    }

    static Sizes of(Shape out, int heads) {
      return new Sizes(out.dim(0), out.dim(1), heads, out.dim(2) / heads);
    }

    int channels() {
      return heads * headSize;
    }

    /** Heads of all sequences. */
    long allHeads() {
      return (long) batch * heads;
    }

    /** Pairs of query and head. */
    long queries() {
      return allHeads() * t;
    }

    float scale() {
      return (float) (1 / Math.sqrt(headSize));
    }
  }
}
