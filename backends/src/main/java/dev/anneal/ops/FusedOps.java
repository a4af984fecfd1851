package dev.anneal.ops;

import static dev.anneal.ops.Operands.activations;
import static dev.anneal.ops.Operands.f;
import static dev.anneal.ops.Operands.i;
import static dev.anneal.ops.Operands.parameter;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Ops that follow each other in a training step and that a device may compute together. */
public final class FusedOps {
  private FusedOps() {}

  /**
   * Some ops on random input.
   *
   * @param name of what they may become, the same for several shapes
   */
  public record Fused(String name, OpRun run) {}

  public static Stream<Fused> all() {
    return Stream.of(
            // T, narrow and wide: libraries take whole eights alone.
            Stream.of(new int[] {9, 10, 24}, new int[] {9, 10, 20}, new int[] {72, 64, 264})
                .flatMap(s -> products(s[0], s[1], s[2])),
            Stream.of(7, 130).map(FusedOps::sumThenNorm),
            Stream.of(new int[] {5, 257, 384}, new int[] {3, 7, 9})
                .map(s -> ends(s[0], s[1], s[2])),
            Stream.of(norm(), updates()))
        .flatMap(runs -> runs);
  }

  private static Stream<Fused> products(int t, int narrow, int wide) {
    Tensor in = activations("in", 2, t, narrow);
    Tensor hidden = activations("hidden", 2, t, wide);
    Tensor gelu = activations("gelu", 2, t, wide);
    Tensor out = activations("out", 2, t, narrow);
    Tensor w1 = parameter("w1", wide, narrow);
    Tensor w2 = parameter("w2", narrow, wide);
    Op up = new Op.MatmulForward(hidden, in, w1, Optional.of(parameter("b1", wide)));
    Op through = new Op.GeluForward(gelu, hidden);
    Op down = new Op.MatmulForward(out, gelu, w2, Optional.of(parameter("b2", narrow)));
    Tensor dOut = activations("dOut", 2, t, narrow);
    Tensor dGelu = activations("dGelu", 2, t, wide);
    Tensor dHidden = activations("dHidden", 2, t, wide);
    Op backDown = new Op.MatmulBackwardInput(dGelu, dOut, w2);
    Op backThrough = new Op.GeluBackward(dHidden, dGelu, hidden);
    Stream<Fused> gradients =
        Stream.of(false, true)
            .map(
                adds ->
                    fused(
                        "bias_gradient" + (adds ? "_added" : ""),
                        new Op.MatmulBackwardWeight(f("dW1", wide, narrow), dHidden, in, adds),
                        new Op.BiasBackward(f("dB1", wide), dHidden, adds)));
    return Stream.concat(
        Stream.of(
            fused("bias", up),
            fused("bias_gelu", up, through),
            fused("bias_gelu_product", up, through, down),
            fused("residual_sum", down, new Op.Add(activations("sum", 2, t, narrow), in, out)),
            fused("gelu_gradient", backDown, backThrough)),
        gradients);
  }

  private static Fused fused(String name, Op... ops) {
    return new Fused(name, new OpRun(List.of(ops), 1));
  }

  private static Fused sumThenNorm(int c) {
    Tensor sum = activations("sum", 2, 5, c);
    return fused(
        "sum_layernorm",
        new Op.Add(sum, activations("a", 2, 5, c), activations("b", 2, 5, c)),
        new Op.LayerNormForward(
            activations("out", 2, 5, c),
            f("mean", 2, 5),
            f("rstd", 2, 5),
            sum,
            parameter("weight", c),
            parameter("bias", c),
            1e-5f));
  }

  private static Fused ends(int tokens, int vocabulary, int padded) {
    Tensor logits = activations("logits", 1, tokens, padded);
    Tensor targets = i("targets", 1, tokens);
    Tensor lse = f("lse", 1, tokens);
    Op loss = new Op.CrossEntropyForward(f("losses", 1, tokens), lse, logits, targets, vocabulary);
    Op gradient =
        new Op.CrossEntropyBackward(
            activations("dLogits", 1, tokens, padded),
            f("dLosses", 1, tokens),
            logits,
            lse,
            targets,
            vocabulary);
    return new Fused("loss_gradient", new OpRun(List.of(loss, gradient), vocabulary));
  }

  private static Fused norm() {
    List<Tensor> gradients = new ArrayList<>();
    for (int n : new int[] {1, 8191, 8192, 8193, 20000}) {
      gradients.add(f("g" + n, n));
    }
    return fused("all_norms", new Op.GlobalNorm(f("norm"), gradients));
  }

  private static Fused updates() {
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
    return new Fused("all_updates", new OpRun(updates, 1000));
  }
}
