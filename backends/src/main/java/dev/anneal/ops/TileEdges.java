package dev.anneal.ops;

import static dev.anneal.ops.Operands.activations;
import static dev.anneal.ops.Operands.f;
import static dev.anneal.ops.Operands.i;
import static dev.anneal.ops.Operands.parameter;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.stream.Stream;

/** Shapes at the edges of the GPUs' own tiles. */
public final class TileEdges {
  private TileEdges() {}

  public static Stream<OpRun> all() {
    return Stream.of(
            splitWeightGradients(), longRows(), attention(), repeatedTokens(), LlamaCases.edges())
        .flatMap(s -> s);
  }

  /** So many tokens that they are split among blocks, evenly and not. */
  private static Stream<OpRun> splitWeightGradients() {
    return Stream.of(new int[] {1024, 12, 20}, new int[] {1500, 9, 131})
        .flatMap(
            s -> {
              Tensor dOut = activations("dOut", 2, s[0] / 2, s[2]);
              Tensor in = activations("in", 2, s[0] / 2, s[1]);
              Tensor dWeight = f("dWeight", s[2], s[1]);
              Tensor dBias = f("dBias", s[2]);
              return Stream.of(
                  new Op.MatmulBackwardWeight(dWeight, dOut, in, false),
                  new Op.MatmulBackwardWeight(dWeight, dOut, in, true),
                  new Op.BiasBackward(dBias, dOut, true));
            })
        .map(op -> new OpRun(op, 1));
  }

  /**
   * Rows for which fewer warps have room in shared memory, and more than a block has threads for.
   */
  private static Stream<OpRun> longRows() {
    return Stream.of(3100, 4100, 13001, 26000)
        .map(
            c ->
                new OpRun(
                    new Op.LayerNormForward(
                        activations("out", 1, 3, c),
                        f("mean", 1, 3),
                        f("rstd", 1, 3),
                        activations("in", 1, 3, c),
                        parameter("weight", c),
                        parameter("bias", c),
                        1e-5f),
                    1));
  }

  /** Head sizes that have a tile of their own, and one that has none; T just around tiles. */
  private static Stream<OpRun> attention() {
    return attention(
        Stream.of(
            new int[] {1, 65, 64, 1},
            new int[] {1, 127, 128, 1},
            new int[] {2, 32, 200, 2},
            new int[] {1, 40, 130, 1},
            new int[] {1, 129, 66, 3}));
  }

  /** Heads of 64 and of 128 channels alone, beyond one tile. */
  public static Stream<OpRun> heads() {
    return attention(Stream.of(new int[] {1, 65, 64, 1}, new int[] {1, 33, 128, 1}));
  }

  private static Stream<OpRun> attention(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              Tensor qkv = activations("qkv", s[0], s[1], 3 * s[2]);
              Tensor out = activations("out", s[0], s[1], s[2]);
              Tensor lse = f("lse", s[0], s[3], s[1]);
              Op forward = new Op.AttentionForward(out, lse, qkv, s[3]);
              Op backward =
                  new Op.AttentionBackward(
                      activations("dQkv", s[0], s[1], 3 * s[2]),
                      f("delta", s[0], s[3], s[1]),
                      activations("dOut", s[0], s[1], s[2]),
                      qkv,
                      out,
                      lse,
                      s[3]);
              return Stream.of(List.of(forward), List.of(forward, backward));
            })
        .map(ops -> new OpRun(ops, 1));
  }

  /** All tokens the same, and a vocabulary that no block's threads divide. */
  private static Stream<OpRun> repeatedTokens() {
    Tensor tokens = i("tokens", 2, 150);
    Tensor dOut = activations("dOut", 2, 150, 12);
    return Stream.of(
        new OpRun(new Op.TokenEmbeddingBackward(f("dWte", 1, 12), dOut, tokens, false), 1),
        new OpRun(new Op.TokenEmbeddingBackward(f("dWte", 2500, 12), dOut, tokens, false), 2500),
        new OpRun(new Op.TokenEmbeddingBackward(f("dWte", 1031, 12), dOut, tokens, true), 7));
  }
}
