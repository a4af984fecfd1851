package dev.anneal.gpu;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Shapes at the edges of the GPUs' own tiles, and ops that they run together. */
public final class GpuCases {
  private GpuCases() {}

  /** Ops that have anything in 16 bits, but for those of decoding, which is in fp32. */
  public static Stream<OpRun> sixteenBits() {
    Stream<OpRun> withMasters =
        Stream.concat(OpCases.small(), all())
            .filter(run -> !(run.op() instanceof Op.CachedAttention))
            .filter(run -> !(run.op() instanceof Op.EightBit))
            .map(run -> run.copied(DType.BF16).stored(Precision.BF16));
    Stream<OpRun> without =
        Stream.concat(OpCases.small(), all())
            .filter(run -> run.op() instanceof Op.CachedAttention || run.op() instanceof Op.AdamW)
            .map(run -> run.stored(Precision.PURE_BF16));
    Stream<OpRun> quantized = eightBits().filter(run -> run.op() instanceof Op.Quantize);
    return Stream.concat(Stream.concat(withMasters, without), quantized)
        .filter(
            run ->
                run.ops().stream()
                    .flatMap(op -> op.tensors().stream())
                    .anyMatch(tensor -> tensor.dtype() == DType.BF16));
  }

  /** Products of 8 bits among bf16, and what makes their operands. */
  public static Stream<OpRun> eightBits() {
    return eightBits(DType.F8E4M3, DType.F8E5M2);
  }

  /** The same in other formats. */
  public static Stream<OpRun> eightBits(DType e4m3, DType e5m2) {
    return OpCases.all()
        .filter(run -> run.op() instanceof Op.EightBit)
        .map(run -> run.eightBits(e4m3, e5m2).copied(DType.BF16).stored(Precision.FP8));
  }

  /** Each version of the op's kernel; one empty choice when it has one only. */
  public static List<Map<String, Integer>> versions(Op op, Device device) {
    boolean sixteen = op.tensors().stream().anyMatch(tensor -> tensor.dtype() == DType.BF16);
    List<Map<String, Integer>> choices = new ArrayList<>();
    for (KernelFamily family : device.kernels()) {
      for (int v = 1; family.op().isInstance(op) && v <= family.versions(); v++) {
        if (sixteen || !family.ideas().get(v - 1).startsWith("tensor cores")) {
          choices.add(Map.of(family.name(), v));
        }
      }
    }
    return choices.isEmpty() ? List.of(Map.of()) : choices;
  }

  private static Tensor f(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  private static Tensor activations(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  private static Tensor parameter(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.PARAMETERS);
  }

  private static Tensor i(String name, int... dims) {
    return new Tensor(name, DType.I32, Shape.of(dims), Arena.INPUTS);
  }

  public static Stream<OpRun> all() {
    return Stream.of(splitWeightGradients(), longRows(), attention(), repeatedTokens(), together())
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
    return Stream.of(
            new int[] {1, 65, 64, 1},
            new int[] {1, 127, 128, 1},
            new int[] {2, 32, 200, 2},
            new int[] {1, 40, 130, 1},
            new int[] {1, 129, 66, 3})
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

  private static Stream<OpRun> together() {
    List<Op> updates = new ArrayList<>();
    for (int n : new int[] {3, 1024, 1025, 5000}) {
      updates.add(
          new Op.AdamW(
                  parameter("parameter" + n, n),
                  f("m" + n, n),
                  f("positive v" + n, n),
                  f("gradient" + n, n),
                  f("positive norm"),
                  f("positive schedule", 3),
                  0.9f,
                  0.95f,
                  1e-8f,
                  n % 2 == 0 ? 0.1f : 0f,
                  0.5f)
              .with(new Op.AdamW.Rounding(i("random", 3), n)));
    }
    Stream<OpRun> norms =
        Stream.of(7, 130)
            .map(
                c -> {
                  Tensor sum = activations("sum", 2, 5, c);
                  return new OpRun(
                      List.of(
                          new Op.Add(sum, activations("a", 2, 5, c), activations("b", 2, 5, c)),
                          new Op.LayerNormForward(
                              activations("out", 2, 5, c),
                              f("mean", 2, 5),
                              f("rstd", 2, 5),
                              sum,
                              parameter("weight", c),
                              parameter("bias", c),
                              1e-5f)),
                      1);
                });
    List<Tensor> gradients = new ArrayList<>();
    for (int n : new int[] {1, 8191, 8192, 8193, 20000}) {
      gradients.add(f("g" + n, n));
    }
    return Stream.of(
            Stream.of(
                new OpRun(updates, 1000), new OpRun(new Op.GlobalNorm(f("norm"), gradients), 1)),
            norms,
            Stream.of(24, 20).map(GpuCases::feedForward))
        .flatMap(runs -> runs);
  }

  /** A product and its GELU, which a library does at once when {@code wide} is a multiple of 8. */
  private static OpRun feedForward(int wide) {
    Tensor hidden = activations("hidden", 2, 9, wide);
    Tensor gelu = activations("gelu", 2, 9, wide);
    return new OpRun(
        List.of(
            new Op.MatmulForward(
                hidden,
                activations("in", 2, 9, 10),
                parameter("w1", wide, 10),
                Optional.of(parameter("b1", wide))),
            new Op.GeluForward(gelu, hidden),
            new Op.MatmulForward(
                activations("out", 2, 9, 10),
                gelu,
                parameter("w2", 10, wide),
                Optional.of(parameter("b2", 10)))),
        1);
  }
}
