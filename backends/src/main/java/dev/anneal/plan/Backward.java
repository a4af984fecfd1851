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
 * Derives the backward pass of a list of forward ops: each op's own rule ({@link
 * Op.Forward#differentiate}), applied from the last op to the first (reverse-mode differentiation).
 * What is here is what all rules need.
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
    if (!(op instanceof Op.Forward forward)) {
      throw noRule(op);
    }
    forward.differentiate(this);
  }

  static IllegalArgumentException noRule(Op op) {
    return new IllegalArgumentException(
        op.kind() + " has no gradient rule: it is not for training");
  }

  /** Puts {@code op} after those that are there. */
  void add(Op op) {
    ops.add(op);
  }

  /** Where the gradient of {@code parameter} lives. */
  Tensor ofParameter(Tensor parameter) {
    return parameterGradient.apply(parameter);
  }

  /** The gradient that has reached {@code tensor} so far, if one has. */
  Optional<Tensor> sofar(Tensor tensor) {
    return Optional.ofNullable(gradients.get(tensor));
  }

  /** The gradient that has reached {@code tensor}; all its readers come later in the plan. */
  Tensor arrived(Tensor tensor) {
    Tensor gradient = gradients.get(tensor);
    if (gradient == null) {
      throw new IllegalArgumentException(
          "no gradient reaches " + tensor + ", only its side results");
    }
    return gradient;
  }

  interface Rule {
    Op into(Tensor gradient);
  }

  /** Adds what {@code rule} computes to the gradient of {@code tensor}. */
  void contribute(Tensor tensor, Rule rule) {
    Optional<Tensor> before = Optional.ofNullable(gradients.get(tensor));
    Tensor part = gradientOf(tensor);
    ops.add(rule.into(part));
    before.ifPresent(first -> ops.add(new Op.Add(gradientOf(tensor), first, part)));
  }

  /** Adds {@code gradient} itself to the gradient of {@code tensor}. */
  void pass(Tensor tensor, Tensor gradient) {
    Tensor first = gradients.get(tensor);
    if (first == null) {
      gradients.put(tensor, gradient);
    } else {
      ops.add(new Op.Add(gradientOf(tensor), first, gradient));
    }
  }

  /** A new tensor that is from now on the gradient of {@code tensor}. */
  Tensor gradientOf(Tensor tensor) {
    Tensor gradient = fresh("d." + tensor.name(), tensor);
    gradients.put(tensor, gradient);
    return gradient;
  }

  Tensor fresh(String name, Tensor like) {
    int uses = names.merge(name, 1, Integer::sum);
    String unique = uses == 1 ? name : name + "#" + uses;
    return like.like(unique, Arena.ACTIVATIONS);
  }

  /** Whether something was written to this parameter gradient before, as with tied weights. */
  boolean adds(Tensor gradient) {
    return !started.add(gradient);
  }
}
