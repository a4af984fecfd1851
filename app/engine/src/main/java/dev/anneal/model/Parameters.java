package dev.anneal.model;

import dev.anneal.model.Parameter.Initial;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Role;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A model's parameters as it declares them: what each is, to which block it belongs and how it
 * starts. Their order is that of checkpoints, and decides which random numbers each starts from.
 */
public final class Parameters {
  private final List<Parameter> declared = new ArrayList<>();
  private Optional<Integer> block = Optional.empty();

  /** Declares a block: all that {@code body} declares belongs to it. */
  public <T> T block(int index, Supplier<T> body) {
    block = Optional.of(index);
    try {
      return body.get();
    } finally {
      block = Optional.empty();
    }
  }

  /** A row per token or position, of which {@code used} are ever read; the others start as 0. */
  public Tensor embedding(String name, int rows, int columns, float deviation, int used) {
    return add(name, Shape.of(rows, columns), new Initial.Normal(deviation, used), Role.EMBEDDING);
  }

  /** The weight of a linear layer. */
  public Tensor matrix(String name, int out, int in, float deviation) {
    return matrix(name, out, in, deviation, out);
  }

  /**
   * The weight of a linear layer, of which rows from {@code used} on are padding and start as 0.
   */
  public Tensor matrix(String name, int out, int in, float deviation, int used) {
    return add(name, Shape.of(out, in), new Initial.Normal(deviation, used), Role.MATRIX);
  }

  /** What a linear layer adds; it starts as 0. */
  public Tensor bias(String name, int size) {
    return add(name, Shape.of(size), new Initial.Constant(0), Role.BIAS);
  }

  /** The scale or the shift of a norm; all of it starts as {@code value}. */
  public Tensor norm(String name, int size, float value) {
    return add(name, Shape.of(size), new Initial.Constant(value), Role.NORM);
  }

  private Tensor add(String name, Shape shape, Initial initial, Role role) {
    Tensor tensor = new Tensor(name, DType.F32, shape, Arena.PARAMETERS, role, block);
    declared.add(new Parameter(tensor, initial));
    return tensor;
  }

  /** All of them, in order. */
  public List<Parameter> list() {
    return List.copyOf(declared);
  }
}
