package dev.anneal.ops;

import static dev.anneal.ops.Operands.activations;
import static dev.anneal.ops.Operands.cache;
import static dev.anneal.ops.Operands.f;
import static dev.anneal.ops.Operands.i;
import static dev.anneal.ops.Operands.parameter;

import dev.anneal.plan.Arena;
import dev.anneal.plan.AttentionOps;
import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** Every op at shapes of 1, of primes, and just under and over every tile. */
public final class OpCases {
  private OpCases() {}

  public static Stream<OpRun> all() {
    return Stream.of(
            products(),
            eightBits(
                Stream.of(
                    new int[] {1, 1, 1},
                    new int[] {7, 33, 31},
                    new int[] {67, 130, 65},
                    new int[] {64, 144, 96})),
            rows(),
            attention(),
            elementwise(),
            ends(),
            classifiers(),
            LlamaCases.all(),
            muon(
                Stream.of(
                    new int[] {3, 5}, new int[] {33, 65}, new int[] {64, 96}, new int[] {7, 300})))
        .flatMap(s -> s);
  }

  /**
   * Every op once or twice at small shapes that fill no tile: for implementations that are slow.
   */
  public static Stream<OpRun> small() {
    return Stream.of(
            products(Stream.of(new int[] {10, 37, 21})),
            // Fewer rows than are worth packing.
            products(Stream.of(new int[] {2, 20, 37}))
                .filter(run -> run.op() instanceof Op.MatmulForward),
            eightBits(Stream.of(new int[] {10, 37, 21})),
            rows(Stream.of(new int[] {2, 5, 35})),
            attention(Stream.of(new int[] {1, 35, 34, 2})),
            elementwise(Stream.of(35)),
            ends(Stream.of(new int[] {3, 35, 48})),
            classifiers(Stream.of(new int[] {1, 11, 35, 37, 48, 8})),
            LlamaCases.small(),
            muon(Stream.of(new int[] {21, 37})))
        .flatMap(s -> s);
  }

  /** The channels of a head, for an op that has heads. */
  public static OptionalInt headSize(Op op) {
    return op instanceof AttentionOps.WithHeads attention
        ? OptionalInt.of(attention.headSize())
        : OptionalInt.empty();
  }

  private static Stream<OpRun> products() {
    return products(
        Stream.of(
            new int[] {1, 1, 1},
            new int[] {1, 67, 130},
            new int[] {3, 5, 7},
            new int[] {7, 33, 31},
            new int[] {16, 16, 16},
            new int[] {31, 257, 65},
            new int[] {33, 64, 255},
            new int[] {67, 300, 129},
            new int[] {260, 40, 72}));
  }

  private static Stream<OpRun> products(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              int m = s[0];
              int k = s[1];
              int n = s[2];
              Tensor in = activations("in", 1, m, k);
              Tensor weight = parameter("weight", n, k);
              Tensor dOut = activations("dOut", 1, m, n);
              return Stream.of(
                  new Op.MatmulForward(
                      activations("out", 1, m, n), in, weight, Optional.of(parameter("bias", n))),
                  new Op.MatmulForward(activations("out", 1, m, n), in, weight, Optional.empty()),
                  new Op.MatmulBackwardInput(activations("dIn", 1, m, k), dOut, weight),
                  new Op.MatmulBackwardWeight(f("dWeight", n, k), dOut, in, false),
                  new Op.MatmulBackwardWeight(f("dWeight", n, k), dOut, in, true),
                  new Op.BiasBackward(f("dBias", n), dOut, false),
                  new Op.BiasBackward(f("dBias", n), dOut, true));
            })
        .map(op -> new OpRun(op, 1));
  }

  private static Stream<OpRun> eightBits(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              int m = s[0];
              int k = s[1];
              int n = s[2];
              Tensor in = activations("in", 1, m, k);
              Optional<Tensor> rows = Optional.of(f("e4m3 rows", m, k));
              Optional<Tensor> columns = Optional.of(f("e4m3 columns", k, m));
              Tensor scale = f("scale");
              Tensor a = f("e5m2 a", m, k);
              Tensor b = f("e4m3 b", n, k);
              Tensor aScale = f("positive aScale");
              Tensor bScale = f("positive bScale");
              return Stream.of(
                  new Op.Quantize(rows, columns, scale, in, DType.F8E4M3),
                  new Op.Quantize(rows, Optional.empty(), scale, in, DType.F8E4M3),
                  new Op.Quantize(
                      Optional.empty(),
                      Optional.of(f("e5m2 columns", k, m)),
                      scale,
                      in,
                      DType.F8E5M2),
                  new Op.ScaledMatmul(
                      activations("out", 1, m, n),
                      a,
                      b,
                      aScale,
                      bScale,
                      Optional.of(parameter("bias", n)),
                      false),
                  new Op.ScaledMatmul(
                      f("dWeight", m, n), a, b, aScale, bScale, Optional.empty(), true),
                  new Op.ScaledMatmul(
                      f("dWeight", m, n),
                      f("e4m3 a", m, k),
                      b,
                      aScale,
                      bScale,
                      Optional.empty(),
                      false));
            })
        .map(op -> new OpRun(op, 1));
  }

  private static Stream<OpRun> rows() {
    return rows(
        Stream.of(
            new int[] {1, 1, 1},
            new int[] {2, 3, 17},
            new int[] {1, 16, 64},
            new int[] {3, 11, 127},
            new int[] {2, 17, 768}));
  }

  private static Stream<OpRun> rows(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              int b = s[0];
              int t = s[1];
              int c = s[2];
              Tensor x = activations("in", b, t, c);
              Tensor dOut = activations("dOut", b, t, c);
              Tensor weight = parameter("weight", c);
              Tensor mean = f("mean", b, t);
              Tensor rstd = f("positive rstd", b, t);
              Optional<Tensor> residual = Optional.of(activations("residual", b, t, c));
              Tensor tokens = i("tokens", b, t);
              Tensor wte = parameter("wte", 29, c);
              Tensor wpe = parameter("wpe", t + 29, c);
              return Stream.of(
                  new Op.LayerNormForward(
                      activations("out", b, t, c),
                      mean,
                      rstd,
                      x,
                      weight,
                      parameter("bias", c),
                      1e-5f),
                  backward(x, dOut, weight, mean, rstd, Optional.empty(), false),
                  backward(x, dOut, weight, mean, rstd, residual, true),
                  new Op.EmbeddingForward(
                      activations("out", b, t, c), tokens, wte, wpe, Optional.empty()),
                  new Op.EmbeddingForward(
                      activations("out", b, t, c), tokens, wte, wpe, Optional.of(i("start"))),
                  new Op.TokenEmbeddingForward(activations("out", b, t, c), tokens, wte),
                  new Op.TokenEmbeddingBackward(f("dWte", 29, c), dOut, tokens, false),
                  new Op.TokenEmbeddingBackward(f("dWte", 29, c), dOut, tokens, true),
                  new Op.PositionEmbeddingBackward(f("dWpe", t + 3, c), dOut, false),
                  new Op.PositionEmbeddingBackward(f("dWpe", t + 3, c), dOut, true));
            })
        .map(op -> new OpRun(op, 29));
  }

  private static Op backward(
      Tensor x,
      Tensor dOut,
      Tensor weight,
      Tensor mean,
      Tensor rstd,
      Optional<Tensor> residual,
      boolean accumulate) {
    int c = weight.shape().dim(0);
    return new Op.LayerNormBackward(
        new Tensor("dIn", DType.F32, x.shape(), Arena.ACTIVATIONS),
        f("dWeight", c),
        f("dBias", c),
        dOut,
        x,
        weight,
        mean,
        rstd,
        residual,
        accumulate);
  }

  private static Stream<OpRun> attention() {
    return attention(
        Stream.of(
            new int[] {1, 1, 1, 1},
            new int[] {1, 1, 17, 1},
            new int[] {2, 5, 6, 2},
            new int[] {1, 33, 34, 2},
            new int[] {2, 64, 64, 1},
            new int[] {1, 131, 51, 3}));
  }

  private static Stream<OpRun> attention(Stream<int[]> sizes) {
    return sizes.flatMap(
        s -> {
          int b = s[0];
          int t = s[1];
          int c = s[2];
          int heads = s[3];
          Tensor qkv = activations("qkv", b, t, 3 * c);
          Tensor out = activations("out", b, t, c);
          Tensor lse = f("lse", b, heads, t);
          Op forward = new Op.AttentionForward(out, lse, qkv, heads);
          // Backward needs forward's own results.
          Op backward =
              new Op.AttentionBackward(
                  activations("dQkv", b, t, 3 * c),
                  f("delta", b, heads, t),
                  activations("dOut", b, t, c),
                  qkv,
                  out,
                  lse,
                  heads);
          Op cached =
              new Op.CachedAttention(
                  out, cache("k", b, t + 9, c), cache("v", b, t + 9, c), qkv, i("position"), heads);
          return Stream.of(
              new OpRun(forward, 1),
              new OpRun(List.of(forward, backward), 1),
              new OpRun(cached, 9));
        });
  }

  private static Stream<OpRun> elementwise() {
    return elementwise(Stream.of(1, 17, 4096, 9001));
  }

  private static Stream<OpRun> elementwise(Stream<Integer> sizes) {
    return sizes
        .flatMap(
            n ->
                Stream.of(
                    new Op.Add(activations("out", n), activations("a", n), activations("b", n)),
                    new Op.GeluForward(activations("out", n), activations("in", n)),
                    new Op.GeluBackward(
                        activations("dIn", n), activations("dOut", n), activations("in", n)),
                    new Op.MeanForward(f("out"), f("in", n)),
                    new Op.MeanBackward(f("dIn", n), f("dOut")),
                    new Op.Fill(f("out", n), 3),
                    new Op.GlobalNorm(f("norm"), List.of(f("g", n), f("h", 3))),
                    // The update of a single number may leave nothing of it but rounding errors.
                    new Op.AdamW(
                            parameter("parameter", Math.max(3, n)),
                            f("m", Math.max(3, n)),
                            f("positive v", Math.max(3, n)),
                            f("gradient", Math.max(3, n)),
                            f("positive norm"),
                            f("positive schedule", 3),
                            0.9f,
                            0.95f,
                            1e-8f,
                            0.1f,
                            0.5f)
                        .with(new Op.AdamW.Rounding(i("random", 3), 5)),
                    new Op.Cast(activations("out", n), parameter("in", n))))
        .map(op -> new OpRun(op, 1000));
  }

  private static Stream<OpRun> ends() {
    return ends(Stream.of(new int[] {1, 1, 1}, new int[] {3, 7, 9}, new int[] {5, 257, 384}));
  }

  private static Stream<OpRun> ends(Stream<int[]> sizes) {
    return sizes.flatMap(
        s -> {
          Tensor logits = activations("logits", 1, s[0], s[2]);
          Tensor targets = i("targets", 1, s[0]);
          Tensor overflowed = activations("overflowed logits", 1, s[0], s[2]);
          return Stream.of(
                  new Op.CrossEntropyBackward(
                      activations("dLogits", 1, s[0], s[2]),
                      f("dLosses", 1, s[0]),
                      overflowed,
                      f("large lse", 1, s[0]),
                      targets,
                      s[1]),
                  new Op.CrossEntropyForward(
                      f("losses", 1, s[0]), f("lse", 1, s[0]), logits, targets, s[1]),
                  new Op.CrossEntropyBackward(
                      activations("dLogits", 1, s[0], s[2]),
                      f("dLosses", 1, s[0]),
                      logits,
                      // No probability is so near 1 that little is left of the gradient.
                      f("large lse", 1, s[0]),
                      targets,
                      s[1]))
              .map(op -> new OpRun(op, s[1]));
        });
  }

  /** What Muon does to a matrix of rows and columns besides products. */
  private static Stream<OpRun> muon(Stream<int[]> sizes) {
    return sizes
        .flatMap(
            s -> {
              int r = s[0];
              int c = s[1];
              Op momentum =
                  new MuonOp.MuonMomentum(
                      f("direction", r, c),
                      f("momentum", r, c),
                      f("gradient", r, c),
                      f("positive norm"),
                      0.95f,
                      0.5f);
              Op sum =
                  new MuonOp.WeightedSum(
                      activations("out", r, c),
                      activations("a", r, c),
                      -4.775f,
                      activations("b", r, c),
                      2.0315f);
              return Stream.concat(
                  Stream.of(momentum, sum),
                  Stream.of(false, true).flatMap(transposed -> muon(r, c, transposed)));
            })
        .map(op -> new OpRun(op, 1000));
  }

  private static Stream<Op> muon(int r, int c, boolean transposed) {
    int rows = transposed ? c : r;
    int columns = transposed ? r : c;
    return Stream.of(
        new MuonOp.Normalize(
            activations("out", rows, columns),
            f("in", r, c),
            f("positive length"),
            1e-7f,
            transposed),
        new MuonOp.MuonUpdate(
            parameter("parameter", rows, columns),
            activations("direction", r, c),
            f("positive norm"),
            f("positive schedule", 3),
            20,
            1.5f,
            0.1f,
            transposed,
            Optional.of(new Op.AdamW.Rounding(i("random", 3), 5))));
  }

  /** The end of a training pass: all tokens at once, in even chunks and in uneven ones. */
  private static Stream<OpRun> classifiers() {
    return classifiers(
        Stream.of(
            new int[] {1, 1, 3, 5, 8, 8},
            new int[] {1, 16, 20, 61, 64, 8},
            new int[] {2, 19, 33, 257, 384, 16}));
  }

  private static Stream<OpRun> classifiers(Stream<int[]> sizes) {
    return sizes.flatMap(
        s ->
            Stream.of(false, true)
                .map(
                    accumulate ->
                        new Op.Classifier(
                            f("losses", s[0], s[1]),
                            f("lse", s[0], s[1]),
                            activations("logits", Math.min(s[5], s[0] * s[1]), s[4]),
                            activations("dIn", s[0], s[1], s[2]),
                            f("dWeight", s[4], s[2]),
                            activations("in", s[0], s[1], s[2]),
                            parameter("weight", s[4], s[2]),
                            i("targets", s[0], s[1]),
                            f("dLosses", s[0], s[1]),
                            s[3],
                            accumulate))
                .map(op -> new OpRun(op, s[3])));
  }
}
