package dev.anneal.ops;

import static dev.anneal.ops.Operands.activations;
import static dev.anneal.ops.Operands.f;
import static dev.anneal.ops.Operands.i;
import static dev.anneal.ops.Operands.parameter;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.Optional;
import java.util.stream.Stream;

/** The ops of Llama's layers: RMS norm, rotary positions of grouped heads, SwiGLU. */
final class LlamaCases {
  /** First positions are smaller. */
  private static final int STARTS = 9;

  private LlamaCases() {}

  static Stream<OpRun> all() {
    return Stream.of(
            norms(
                Stream.of(
                    new int[] {1, 1, 1},
                    new int[] {2, 3, 17},
                    new int[] {1, 16, 64},
                    new int[] {3, 11, 127},
                    new int[] {2, 17, 768})),
            // Heads of keys: one, some, and as many as of queries.
            rotary(
                Stream.of(
                    new int[] {1, 1, 1, 1, 2},
                    new int[] {2, 3, 5, 1, 2},
                    new int[] {1, 2, 2, 2, 6},
                    new int[] {3, 7, 6, 2, 16},
                    new int[] {1, 37, 3, 3, 64},
                    new int[] {2, 5, 4, 2, 128})),
            gates(
                Stream.of(
                    new int[] {1, 1},
                    new int[] {3, 5},
                    new int[] {2, 16},
                    new int[] {7, 33},
                    new int[] {5, 1031})))
        .flatMap(runs -> runs);
  }

  /** At shapes that fill no tile. */
  static Stream<OpRun> small() {
    return Stream.of(
            norms(Stream.of(new int[] {2, 5, 35})),
            rotary(Stream.of(new int[] {2, 5, 4, 2, 6}, new int[] {1, 3, 2, 1, 16})),
            gates(Stream.of(new int[] {3, 35})))
        .flatMap(runs -> runs);
  }

  /** Beyond a GPU's blocks, in whole packs and not. */
  static Stream<OpRun> edges() {
    return Stream.of(
            norms(Stream.of(new int[] {1, 3, 3100}, new int[] {1, 3, 4100}, new int[] {2, 17, 96})),
            rotary(Stream.of(new int[] {1, 3, 6, 3, 128}, new int[] {1, 2, 9, 1, 64})),
            gates(Stream.of(new int[] {2, 2056})))
        .flatMap(runs -> runs);
  }

  private static Stream<OpRun> norms(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              Tensor in = activations("in", s[0], s[1], s[2]);
              Tensor weight = parameter("weight", s[2]);
              return Stream.of(
                  new Op.RmsNormForward(
                      activations("out", s[0], s[1], s[2]),
                      f("rstd", s[0], s[1]),
                      in,
                      weight,
                      1e-5f),
                  gradient(in, weight, Optional.empty(), false),
                  gradient(
                      in, weight, Optional.of(activations("residual", s[0], s[1], s[2])), true));
            })
        .map(op -> new OpRun(op, 1));
  }

  private static Op gradient(
      Tensor in, Tensor weight, Optional<Tensor> residual, boolean accumulate) {
    int b = in.shape().dim(0);
    int t = in.shape().dim(1);
    int c = in.shape().dim(2);
    return new Op.RmsNormBackward(
        activations("dIn", b, t, c),
        f("dWeight", c),
        activations("dOut", b, t, c),
        in,
        weight,
        f("positive rstd", b, t),
        residual,
        accumulate);
  }

  private static Stream<OpRun> rotary(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              int b = s[0];
              int t = s[1];
              int heads = s[2];
              int kvHeads = s[3];
              int size = s[4];
              int grouped = (heads + 2 * kvHeads) * size;
              int whole = 3 * heads * size;
              Tensor table = f("table", t + STARTS, size);
              return Stream.concat(
                  Stream.of(Optional.<Tensor>empty(), Optional.of(i("start")))
                      .map(
                          start ->
                              new Op.RotaryForward(
                                  activations("out", b, t, whole),
                                  activations("in", b, t, grouped),
                                  table,
                                  start,
                                  heads,
                                  kvHeads)),
                  Stream.of(
                      new Op.RotaryBackward(
                          activations("dIn", b, t, grouped),
                          activations("dOut", b, t, whole),
                          table,
                          heads,
                          kvHeads)));
            })
        .map(op -> new OpRun(op, STARTS));
  }

  private static Stream<OpRun> gates(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              Tensor in = activations("in", 1, s[0], 2 * s[1]);
              return Stream.of(
                  new Op.SwiGluForward(activations("out", 1, s[0], s[1]), in),
                  new Op.SwiGluBackward(
                      activations("dIn", 1, s[0], 2 * s[1]),
                      activations("dOut", 1, s[0], s[1]),
                      in));
            })
        .map(op -> new OpRun(op, 1));
  }
}
