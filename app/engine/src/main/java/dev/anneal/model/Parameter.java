package dev.anneal.model;

import dev.anneal.plan.Arena;
import dev.anneal.plan.Tensor;

/** One parameter of a model and how it starts. */
public record Parameter(Tensor tensor, Initial initial) {

  /** The distribution that a parameter starts from. */
  public sealed interface Initial {
    record Constant(float value) implements Initial {}

    /** Normal with mean 0; rows from {@code rows} on are padding and start as 0. */
    record Normal(float standardDeviation, int rows) implements Initial {}
  }

  public String name() {
    return tensor.name();
  }

  /** Where this parameter's gradient lives. */
  public Tensor gradient() {
    return gradient(tensor);
  }

  public static Tensor gradient(Tensor parameter) {
    return sibling("d.", parameter, Arena.GRADIENTS);
  }

  private static Tensor sibling(String prefix, Tensor parameter, Arena arena) {
    return parameter.like(prefix + parameter.name(), arena);
  }
}
