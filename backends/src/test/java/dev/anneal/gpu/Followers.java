package dev.anneal.gpu;

import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Ops of which one takes over from the one before it, in shapes at the edges of their kernels. */
final class Followers {
  private Followers() {}

  private static Tensor f(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  private static Tensor activations(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  private static Tensor parameter(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.PARAMETERS);
  }

  /**
   * Losses and gradients at once: rows with padding, without whole packs, and such that shared
   * memory has room for a part of them only.
   */
  static Stream<OpRun> gradients() {
    return Stream.of(new int[] {5, 61, 64}, new int[] {3, 130, 131}, new int[] {2, 70001, 70016})
        .map(
            s -> {
              Tensor logits = activations("logits", 1, s[0], s[2]);
              Tensor targets = new Tensor("targets", DType.I32, Shape.of(1, s[0]), Arena.INPUTS);
              Tensor sums = f("lse", 1, s[0]);
              return new OpRun(
                  List.of(
                      new Op.CrossEntropyForward(f("losses", 1, s[0]), sums, logits, targets, s[1]),
                      new Op.CrossEntropyBackward(
                          activations("dLogits", 1, s[0], s[2]),
                          f("dLosses", 1, s[0]),
                          logits,
                          sums,
                          targets,
                          s[1])),
                  s[1]);
            });
  }

  /** What a kernel makes and the next ones round to 8 bits, in sizes that fill tiles and do not. */
  static Stream<OpRun> quantized() {
    return Stream.concat(
        Stream.of(new int[] {16, 48}, new int[] {144, 272})
            .flatMap(s -> makers(s[0], s[1]).map(op -> quantized(op, s[0], s[1]))),
        Stream.of(weights()));
  }

  /** Weights after an update: of one tile, of several chunks and tiles, and one way only. */
  private static OpRun weights() {
    int[][] sizes = {{16, 16}, {144, 272}, {32, 48}, {160, 16}};
    List<Op> ops = new ArrayList<>();
    for (int i = 0; i < sizes.length; i++) {
      int m = sizes[i][0];
      int k = sizes[i][1];
      Optional<Tensor> rows = Optional.of(f("e4m3 rows " + i, m, k));
      ops.add(
          new Op.Quantize(
              i == 3 ? Optional.empty() : rows,
              i == 2 ? Optional.empty() : Optional.of(f("e4m3 columns " + i, k, m)),
              f("scale " + i),
              parameter("weight " + i, m, k),
              DType.F8E4M3));
    }
    return new OpRun(ops, 1)
        .eightBits(DType.F8E4M3, DType.F8E5M2)
        .copied(DType.BF16)
        .stored(Precision.FP8);
  }

  private static Stream<Op> makers(int m, int c) {
    Tensor made = activations("made", 1, m, c);
    Tensor in = activations("in", 1, m, c);
    Tensor dOut = activations("dOut", 1, m, c);
    Tensor weight = parameter("weight", c);
    Tensor mean = f("mean", 1, m);
    return Stream.of(
        new Op.LayerNormForward(
            made, mean, f("rstd", 1, m), in, weight, parameter("bias", c), 1e-5f),
        new Op.LayerNormBackward(
            made,
            f("dWeight", c),
            f("dBias", c),
            dOut,
            in,
            weight,
            mean,
            f("positive rstd", 1, m),
            Optional.of(activations("residual", 1, m, c)),
            false),
        new Op.GeluForward(made, in),
        new Op.GeluBackward(made, dOut, in));
  }

  private static OpRun quantized(Op maker, int m, int k) {
    Op.Quantize quantize =
        new Op.Quantize(
            Optional.of(f("e4m3 rows", m, k)),
            Optional.of(f("e4m3 columns", k, m)),
            f("scale"),
            activations("made", 1, m, k),
            DType.F8E4M3);
    return new OpRun(List.of(maker, quantize), 1)
        .eightBits(DType.F8E4M3, DType.F8E5M2)
        .copied(DType.BF16)
        .stored(Precision.FP8);
  }
}
