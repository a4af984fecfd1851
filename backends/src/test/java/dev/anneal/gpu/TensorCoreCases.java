package dev.anneal.gpu;

import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Shapes in bf16 at the edges of the tiles of attention_mma.cu and matmul_mma.cu. */
public final class TensorCoreCases {
  /** The kernels for tensor cores, also where a library would do. */
  public static final Map<String, Integer> VERSIONS =
      Map.of(
          "matmul_forward", 4,
          "matmul_backward_input", 4,
          "matmul_backward_weight", 4,
          "attention_forward", 3,
          "attention_backward", 3);

  /** Those that only some tensor cores have. */
  public static final Map<String, Integer> LATER_ATTENTION =
      Map.of("attention_forward", 4, "attention_backward", 4);

  public static final Map<String, Integer> LATER_PRODUCTS =
      Map.of("matmul_forward", 5, "matmul_backward_input", 5, "matmul_backward_weight", 5);

  private TensorCoreCases() {}

  private static Tensor b(String name, int... dims) {
    return new Tensor(name, DType.BF16, Shape.of(dims), Arena.INPUTS);
  }

  private static Tensor f(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  public static Stream<OpRun> all() {
    return Stream.of(attention(), products()).flatMap(s -> s);
  }

  /**
   * What {@link #LATER_ATTENTION} has other tiles for; the longest has a block with two of its
   * tiles of keys.
   */
  public static Stream<OpRun> laterAttention() {
    return Stream.of(
        attention(2, 1, 2, 64),
        attention(1, 33, 3, 64),
        attention(1, 129, 2, 64),
        attention(1, 300, 1, 64),
        attention(2, 31, 1, 128),
        attention(1, 200, 1, 128));
  }

  /** Within a tile of {@link #LATER_PRODUCTS}, at its edge, beyond, and tokens that are split. */
  public static Stream<OpRun> laterProducts() {
    return Stream.of(new int[] {31, 8, 72}, new int[] {129, 136, 64}, new int[] {520, 16, 136})
        .flatMap(s -> products(s[0], s[1], s[2]).skip(s[0] == 31 ? 0 : 1));
  }

  /** Those of later versions that cost least. */
  public static Stream<OpRun> fewLater() {
    return Stream.concat(
        Stream.of(attention(1, 33, 1, 64), attention(1, 31, 1, 128)), products(72, 72, 72).skip(1));
  }

  /** One of each kind that has a second tile, for what costs more than running it. */
  public static Stream<OpRun> few() {
    return Stream.of(
            Stream.of(attention(1, 65, 1, 64), attention(1, 33, 1, 128)),
            products(72, 72, 72).skip(1))
        .flatMap(s -> s);
  }

  /** Every T around a tile with both head sizes; several sequences and heads where T is small. */
  private static Stream<OpRun> attention() {
    return IntStream.of(1, 15, 16, 63, 64, 65, 127, 129, 200)
        .boxed()
        .flatMap(
            t ->
                Stream.of(
                    attention(t < 65 ? 2 : 1, t, t < 128 ? 2 : 1, 64),
                    attention(t < 16 ? 2 : 1, t, t < 64 ? 3 : 1, 128)));
  }

  private static OpRun attention(int batch, int t, int heads, int hs) {
    int c = heads * hs;
    Tensor qkv = b("qkv", batch, t, 3 * c);
    Tensor out = b("out", batch, t, c);
    Tensor lse = f("lse", batch, heads, t);
    return new OpRun(
        List.of(
            new Op.AttentionForward(out, lse, qkv, heads),
            new Op.AttentionBackward(
                b("dQkv", batch, t, 3 * c),
                f("delta", batch, heads, t),
                b("dOut", batch, t, c),
                qkv,
                out,
                lse,
                heads)),
        1);
  }

  /** m, n, k: within a tile, at its edge, beyond; more than 8 tiles high; tokens split or not. */
  private static Stream<OpRun> products() {
    return Stream.of(
            new int[] {1, 8, 8},
            new int[] {31, 128, 32},
            new int[] {129, 136, 40},
            new int[] {128, 264, 72},
            new int[] {1200, 16, 136})
        .flatMap(s -> products(s[0], s[1], s[2]));
  }

  private static Stream<OpRun> products(int m, int n, int k) {
    Tensor in = b("in", 1, m, k);
    Tensor weight = b("weight", n, k);
    Tensor dOut = b("dOut", 1, m, n);
    return Stream.<Op>of(
            new Op.MatmulForward(b("out", 1, m, n), in, weight, Optional.of(b("bias", n))),
            new Op.MatmulForward(b("out", 1, m, n), in, weight, Optional.empty()),
            new Op.MatmulBackwardInput(b("dIn", 1, m, k), dOut, weight),
            new Op.MatmulBackwardWeight(f("dWeight", n, k), dOut, in, m % 2 == 1))
        .map(op -> new OpRun(op, 1));
  }
}
