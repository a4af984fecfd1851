package dev.anneal.launch;

import dev.anneal.plan.DType;
import java.util.Optional;

/** What a library of attention says it can do, for the formats and shapes it has a kernel for. */
public interface AttentionSupport {

  /**
   * What an attention works on: qkv (batch, tokens, 3 heads headSize) and the like.
   *
   * @param format of everything but logarithms of sums
   */
  record Shape(DType format, int batch, int tokens, int heads, int headSize) {
    /** Queries and keys that scratch for their scores comes for. */
    private static final int SCORES_MULTIPLE = 64;

    /** So many sequences of it. */
    public Shape of(int sequences) {
      return new Shape(format, sequences, tokens, heads, headSize);
    }

    /** Bytes for the gradients of all scores, as the libraries' documentation has it. */
    public long scoreBytes() {
      long side = Math.ceilDiv(tokens, SCORES_MULTIPLE) * (long) SCORES_MULTIPLE;
      return 2L * batch * heads * side * side;
    }

    @Override
    public String toString() {
      return format
          + " of "
          + batch
          + " x "
          + tokens
          + " tokens, "
          + heads
          + " heads of "
          + headSize;
    }
  }

  /**
   * What a run needs beside its tensors.
   *
   * @param clearedBytes at the start of {@code bytes}, which must be zero
   */
  record Scratch(long bytes, long clearedBytes) {}

  /** As lists of devices name it. */
  String name();

  /** What the forward pass needs; nothing when the library cannot do this shape. */
  Optional<Scratch> forward(Shape shape);

  /** How the gradient of queries comes about. */
  enum Gradient {
    /** Those of all scores go through scratch, (batch, heads, tokens, tokens) in 16 bits. */
    OF_SCORES,
    /** Blocks of keys add theirs to a sum in fp32, which is rounded afterwards. */
    SUMMED
  }

  /** What the backward pass needs; nothing when the library cannot do this shape in this way. */
  Optional<Scratch> backward(Shape shape, Gradient gradient);
}
