package dev.anneal.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Derived gradients against central differences, in double precision. */
class GradientsTest {
  private static final int B = 2;
  private static final int T = 5;
  private static final int C = 6;
  private static final int V = 7;
  private static final int VP = 9;

  private final Tensor tokens = new Tensor("tokens", DType.I32, Shape.of(B, T), Arena.INPUTS);
  private final Tensor targets = new Tensor("targets", DType.I32, Shape.of(B, T), Arena.INPUTS);
  private final Tensor table = new Tensor("rotary", DType.F32, Shape.of(T + 1, 4), Arena.INPUTS);
  private final Tensor wte = parameter("wte", VP, C);
  private final Tensor wpe = parameter("wpe", T + 3, C);
  private final Emitter emit = new Emitter();
  private final List<Tensor> parameters = new ArrayList<>(List.of(wte, wpe));

  private static Tensor parameter(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.PARAMETERS);
  }

  private Tensor use(String name, int... dims) {
    Tensor tensor = parameter(name, dims);
    parameters.add(tensor);
    return tensor;
  }

  private static Tensor gradient(Tensor parameter) {
    return new Tensor("d." + parameter.name(), DType.F32, parameter.shape(), Arena.GRADIENTS);
  }

  private Tensor embedded() {
    return emit.embedding("x", tokens, wte, wpe, Optional.empty());
  }

  /** The loss of hidden states through the tied embedding. */
  private Tensor loss(Tensor hidden) {
    Tensor logits = emit.linear("logits", hidden, wte, Optional.empty());
    return emit.mean("loss", emit.crossEntropy("losses", logits, targets, V));
  }

  private ReferenceInterpreter filled() {
    ReferenceInterpreter run = new ReferenceInterpreter();
    double[] angles = run.get(table);
    for (int i = 0; i < angles.length; i++) {
      angles[i] = i / 2 % 2 == 0 ? Math.cos(i / 4 * (1 + i % 2)) : Math.sin(i / 4 * (1 + i % 2));
    }
    for (int i = 0; i < B * T; i++) {
      run.get(tokens)[i] = i * 3 % V;
      run.get(targets)[i] = (i * 5 + 1) % V;
    }
    for (int p = 0; p < parameters.size(); p++) {
      double[] values = run.get(parameters.get(p));
      for (int i = 0; i < values.length; i++) {
        values[i] = 0.7 * Philox.normal(Philox.bits(7, Philox.Purpose.TEST, p, i, 0));
      }
    }
    return run;
  }

  private void checkGradients(Tensor loss) {
    List<Op> forward = emit.ops();
    ReferenceInterpreter run = filled();
    run.run(forward);
    run.run(Backward.derive(forward, loss, 0.5f, GradientsTest::gradient));
    double step = 1e-5;
    for (Tensor parameter : parameters) {
      double[] values = run.get(parameter);
      double[] derived = run.get(gradient(parameter)).clone();
      for (int i = 0; i < values.length; i++) {
        double before = values[i];
        values[i] = before + step;
        run.run(forward);
        double up = run.get(loss)[0];
        values[i] = before - step;
        run.run(forward);
        double down = run.get(loss)[0];
        values[i] = before;
        double expected = 0.5 * (up - down) / (2 * step);
        assertEquals(expected, derived[i], 2e-9 + 1e-6 * Math.abs(expected), parameter + " " + i);
      }
    }
  }

  private Tensor block(int index, Tensor x) {
    return emit.block(index, () -> block("layers." + index + ".", x));
  }

  private Tensor block(String h, Tensor x) {
    Tensor normed = emit.layerNorm(h + "ln_1.out", x, use(h + "ln_1.w", C), use(h + "ln_1.b", C));
    Tensor qkv =
        emit.linear(
            h + "qkv.out",
            normed,
            use(h + "qkv.w", 3 * C, C),
            Optional.of(use(h + "qkv.b", 3 * C)));
    Tensor attended = emit.attention(h + "attn.out", qkv, 2);
    Tensor middle = emit.add(h + "attn.residual", x, attended);
    Tensor wide =
        emit.linear(
            h + "fc.out", middle, use(h + "fc.w", 2 * C, C), Optional.of(use(h + "fc.b", 2 * C)));
    Tensor gelu = emit.gelu(h + "gelu", wide);
    Tensor narrow =
        emit.linear(h + "proj.out", gelu, use(h + "proj.w", C, 2 * C), Optional.empty());
    return emit.add(h + "residual", middle, narrow);
  }

  @Test
  void embeddingTiedToTheOutput() {
    checkGradients(loss(embedded()));
  }

  @Test
  void linearWithBias() {
    checkGradients(loss(emit.linear("y", embedded(), use("w", C, C), Optional.of(use("b", C)))));
  }

  @Test
  void layerNorm() {
    checkGradients(loss(emit.layerNorm("y", embedded(), use("w", C), use("b", C))));
  }

  @Test
  void layerNormBesideAResidual() {
    Tensor x = embedded();
    Tensor y = emit.layerNorm("y", x, use("w", C), use("b", C));
    checkGradients(loss(emit.add("z", x, y)));
  }

  @Test
  void gelu() {
    checkGradients(loss(emit.gelu("y", embedded())));
  }

  @Test
  void aTensorThatReachesTheLossOnThreeWays() {
    Tensor x = embedded();
    Tensor a = emit.gelu("a", x);
    Tensor b = emit.linear("b", x, use("w", C, C), Optional.empty());
    checkGradients(loss(emit.add("z", emit.add("y", a, b), x)));
  }

  @Test
  void attention() {
    Tensor qkv = emit.linear("qkv", embedded(), use("w", 3 * C, C), Optional.empty());
    checkGradients(loss(emit.attention("y", qkv, 3)));
  }

  @Test
  void aStackOfBlocks() {
    checkGradients(loss(block(1, block(0, embedded()))));
  }

  /** But for decoding's; one that is in no block is to be put between that and the loss. */
  @Test
  void everyOpThatModelsEmitIsChecked() {
    Tensor x = block(0, embedded());
    Tensor normed = emit.rmsNorm("normed", x, use("norm", C), 1e-3f);
    Tensor grouped = emit.linear("grouped", normed, use("qkv", 4 * 4, C), Optional.empty());
    Tensor qkv = emit.rotary("turned", grouped, table, Optional.empty(), 2, 1);
    Tensor values = emit.swiGlu("gated", emit.attention("attended", qkv, 2));
    Tensor narrow = emit.linear("narrow", values, use("down", C, 4), Optional.empty());
    checkGradients(loss(emit.add("both", narrow, emit.tokenEmbedding("rows", tokens, wte))));
    List<Class<?>> checked = emit.ops().stream().<Class<?>>map(Op::getClass).distinct().toList();
    assertEquals(
        List.of("CachedAttention"),
        OpKinds.missing(OpKinds.under(Op.Forward.class).toList(), checked));
  }

  @Test
  void recomputationChangesNoBit() {
    Tensor loss = loss(block(1, block(0, embedded())));
    List<Op> both = new ArrayList<>(emit.ops());
    both.addAll(Backward.derive(emit.ops(), loss, 1, GradientsTest::gradient));
    ReferenceInterpreter expected = filled();
    expected.run(both);
    for (Recompute level : List.of(Recompute.GELU, Recompute.BLOCK)) {
      List<Op> rewritten = level.apply(both);
      assertTrue(rewritten.size() > both.size(), level + " computes something again");
      ReferenceInterpreter run = filled();
      run.run(rewritten);
      for (Tensor parameter : parameters) {
        assertArrayEquals(expected.get(gradient(parameter)), run.get(gradient(parameter)));
      }
    }
  }

  @Test
  void recomputationNeedsLessMemory() {
    Tensor x = embedded();
    for (int i = 0; i < 6; i++) {
      x = block(i, x);
    }
    Tensor loss = loss(x);
    List<Op> both = new ArrayList<>(emit.ops());
    both.addAll(Backward.derive(emit.ops(), loss, 1, GradientsTest::gradient));
    long none = activations(both, loss);
    long gelu = activations(Recompute.GELU.apply(both), loss);
    long block = activations(Recompute.BLOCK.apply(both), loss);
    assertTrue(gelu < none && block < gelu, none + " " + gelu + " " + block);
  }

  private long activations(List<Op> ops, Tensor loss) {
    return MemoryLayout.of(
            ops,
            List.of(loss),
            List.of(
                ArenaLayout.sequential(Arena.PARAMETERS, parameters),
                ArenaLayout.sequential(
                    Arena.GRADIENTS, parameters.stream().map(GradientsTest::gradient).toList()),
                ArenaLayout.sequential(Arena.INPUTS, List.of(tokens, targets))))
        .bytes(Arena.ACTIVATIONS);
  }

  @Test
  void rowsOfTokensAlone() {
    checkGradients(loss(emit.tokenEmbedding("x", tokens, wte)));
  }

  @Test
  void rmsNorm() {
    Tensor x = embedded();
    checkGradients(loss(emit.add("sum", x, emit.rmsNorm("y", x, use("w", C), 1e-3f))));
  }

  @Test
  void swiGlu() {
    Tensor wide = emit.linear("wide", embedded(), use("w", 2 * C, C), Optional.empty());
    checkGradients(loss(emit.swiGlu("y", wide)));
  }

  /** Four heads of queries, two of keys and values. */
  @Test
  void rotaryPositionsOfHeadsThatShareKeys() {
    Tensor grouped = emit.linear("grouped", embedded(), use("w", 8 * 4, C), Optional.empty());
    Tensor qkv = emit.rotary("qkv", grouped, table, Optional.empty(), 4, 2);
    Tensor values = emit.attention("values", qkv, 4);
    checkGradients(loss(emit.linear("y", values, use("o", C, 4 * 4), Optional.empty())));
  }

  @Test
  void accumulationAddsASecondPass() {
    Tensor loss = loss(block(0, embedded()));
    List<Op> first = new ArrayList<>(emit.ops());
    first.addAll(Backward.derive(emit.ops(), loss, 1, GradientsTest::gradient));
    ReferenceInterpreter once = filled();
    once.run(first);
    ReferenceInterpreter twice = filled();
    twice.run(first);
    twice.run(Rewrite.accumulateGradients(first));
    for (Tensor parameter : parameters) {
      double[] one = once.get(gradient(parameter));
      double[] two = twice.get(gradient(parameter));
      for (int i = 0; i < one.length; i++) {
        assertEquals(2 * one[i], two[i], 1e-12 + 1e-12 * Math.abs(one[i]));
      }
    }
  }

  @Test
  void decodingHasNoGradient() {
    Tensor cache = new Tensor("k", DType.F32, Shape.of(B, 8, C), Arena.KV_CACHE);
    Tensor values = new Tensor("v", DType.F32, Shape.of(B, 8, C), Arena.KV_CACHE);
    Tensor position = new Tensor("position", DType.I32, Shape.of(), Arena.INPUTS);
    Tensor qkv = emit.linear("qkv", embedded(), use("w", 3 * C, C), Optional.empty());
    Tensor loss = loss(emit.cachedAttention("y", qkv, cache, values, position, 2));
    assertThrows(
        IllegalArgumentException.class,
        () -> Backward.derive(emit.ops(), loss, 1, GradientsTest::gradient));
  }
}
