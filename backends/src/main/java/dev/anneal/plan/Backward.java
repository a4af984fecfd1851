package dev.anneal.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Derives the backward pass of a list of forward ops: one gradient rule per op, applied from the
 * last op to the first (reverse-mode differentiation).
 *
 * <p>Activations get gradients in single assignment: where a second gradient reaches a tensor, the
 * sum is a new tensor, and the memory layout lets it take the first one's place.
 */
public final class Backward {
  private final UnaryOperator<Tensor> parameterGradient;
  private final List<Op> ops = new ArrayList<>();
  private final Map<Tensor, Tensor> gradients = new HashMap<>();
  private final Map<String, Integer> names = new HashMap<>();
  private final Set<Tensor> started = new HashSet<>();

  private Backward(UnaryOperator<Tensor> parameterGradient) {
    this.parameterGradient = parameterGradient;
  }

  /**
   * The ops that compute d(scale * loss)/d(parameter) for every parameter that {@code forward}
   * reads, from ops that all ran before.
   *
   * @param loss a scalar that {@code forward} writes
   * @param scale 1 / micro-steps under gradient accumulation
   * @param parameterGradient where a parameter's gradient lives
   * @throws IllegalArgumentException when an op has no gradient rule
   */
  public static List<Op> derive(
      List<Op> forward, Tensor loss, float scale, UnaryOperator<Tensor> parameterGradient) {
    Backward backward = new Backward(parameterGradient);
    backward.ops.add(new Op.Fill(backward.gradientOf(loss), scale));
    for (Op op : forward.reversed()) {
      if (op.writes().stream().anyMatch(backward.gradients::containsKey)) {
        backward.apply(op);
      }
    }
    return List.copyOf(backward.ops);
  }

  private void apply(Op op) {
    switch (op) {
      case Op.EmbeddingForward e -> {
        Tensor dOut = arrived(e.out());
        Tensor dWte = parameterGradient.apply(e.wte());
        Tensor dWpe = parameterGradient.apply(e.wpe());
        ops.add(new Op.TokenEmbeddingBackward(dWte, dOut, e.tokens(), adds(dWte)));
        ops.add(new Op.PositionEmbeddingBackward(dWpe, dOut, adds(dWpe)));
      }
      case Op.LayerNormForward n -> {
        Tensor dOut = arrived(n.out());
        Optional<Tensor> residual = Optional.ofNullable(gradients.get(n.in()));
        Tensor dWeight = parameterGradient.apply(n.weight());
        Tensor dBias = parameterGradient.apply(n.bias());
        boolean accumulate = adds(dWeight) | adds(dBias);
        ops.add(
            new Op.LayerNormBackward(
                gradientOf(n.in()),
                dWeight,
                dBias,
                dOut,
                n.in(),
                n.weight(),
                n.mean(),
                n.rstd(),
                residual,
                accumulate));
      }
      case Op.MatmulForward m -> {
        Tensor dOut = arrived(m.out());
        Tensor dWeight = parameterGradient.apply(m.weight());
        ops.add(new Op.MatmulBackwardWeight(dWeight, dOut, m.in(), adds(dWeight)));
        m.bias()
            .map(parameterGradient)
            .ifPresent(dBias -> ops.add(new Op.BiasBackward(dBias, dOut, adds(dBias))));
        contribute(m.in(), dIn -> new Op.MatmulBackwardInput(dIn, dOut, m.weight()));
      }
      case Op.AttentionForward a -> {
        Tensor dOut = arrived(a.out());
        Tensor delta = fresh("delta." + a.out().name(), a.logSumExp());
        contribute(
            a.qkv(),
            dQkv ->
                new Op.AttentionBackward(
                    dQkv, delta, dOut, a.qkv(), a.out(), a.logSumExp(), a.heads()));
      }
      case Op.Add add -> {
        Tensor dOut = arrived(add.out());
        pass(add.a(), dOut);
        pass(add.b(), dOut);
      }
      case Op.GeluForward g -> {
        Tensor dOut = arrived(g.out());
        contribute(g.in(), dIn -> new Op.GeluBackward(dIn, dOut, g.in()));
      }
      case Op.CrossEntropyForward c -> {
        Tensor dLosses = arrived(c.losses());
        contribute(
            c.logits(),
            dLogits ->
                new Op.CrossEntropyBackward(
                    dLogits, dLosses, c.logits(), c.logSumExp(), c.targets(), c.vocabulary()));
      }
      case Op.MeanForward m -> {
        Tensor dOut = arrived(m.out());
        contribute(m.in(), dIn -> new Op.MeanBackward(dIn, dOut));
      }
      case Op.CachedAttention c -> throw noRule(c);
      case Op.Gradient g -> throw noRule(g);
      case Op.EightBit e -> throw noRule(e);
      case Op.Update u -> throw noRule(u);
    }
  }

  private static IllegalArgumentException noRule(Op op) {
    return new IllegalArgumentException(
        op.kind() + " has no gradient rule: it is not for training");
  }

  /** The gradient that has reached {@code tensor}; all its readers come later in the plan. */
  private Tensor arrived(Tensor tensor) {
    Tensor gradient = gradients.get(tensor);
    if (gradient == null) {
      throw new IllegalArgumentException(
          "no gradient reaches " + tensor + ", only its side results");
    }
    return gradient;
  }

  private interface Rule {
    Op into(Tensor gradient);
  }

  /** Adds what {@code rule} computes to the gradient of {@code tensor}. */
  private void contribute(Tensor tensor, Rule rule) {
    Optional<Tensor> before = Optional.ofNullable(gradients.get(tensor));
    Tensor part = gradientOf(tensor);
    ops.add(rule.into(part));
    before.ifPresent(first -> ops.add(new Op.Add(gradientOf(tensor), first, part)));
  }

  /** Adds {@code gradient} itself to the gradient of {@code tensor}. */
  private void pass(Tensor tensor, Tensor gradient) {
    Tensor first = gradients.get(tensor);
    if (first == null) {
      gradients.put(tensor, gradient);
    } else {
      ops.add(new Op.Add(gradientOf(tensor), first, gradient));
    }
  }

  /** A new tensor that is from now on the gradient of {@code tensor}. */
  private Tensor gradientOf(Tensor tensor) {
    Tensor gradient = fresh("d." + tensor.name(), tensor);
    gradients.put(tensor, gradient);
    return gradient;
  }

  private Tensor fresh(String name, Tensor like) {
    int uses = names.merge(name, 1, Integer::sum);
    String unique = uses == 1 ? name : name + "#" + uses;
    return like.like(unique, Arena.ACTIVATIONS);
  }

  /** Whether something was written to this parameter gradient before, as with tied weights. */
  private boolean adds(Tensor gradient) {
    return !started.add(gradient);
  }
}
