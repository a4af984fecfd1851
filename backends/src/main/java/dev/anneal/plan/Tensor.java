package dev.anneal.plan;

import java.util.Optional;

/**
 * A named place for numbers; it has no data of its own. Names are unique within a plan, and are for
 * people: what a tensor is to its model, its role and its block say.
 *
 * @param block the index of the block that it belongs to; empty outside all blocks
 */
public record Tensor(
    String name, DType dtype, Shape shape, Arena arena, Role role, Optional<Integer> block) {

  /** No parameter, and of no block. */
  public Tensor(String name, DType dtype, Shape shape, Arena arena) {
    this(name, dtype, shape, arena, Role.OTHER, Optional.empty());
  }

  /** This tensor stored in another format. */
  public Tensor as(DType newDtype) {
    return new Tensor(name, newDtype, shape, arena, role, block);
  }

  /** One of the same shape and format that is the same to the model, such as its gradient. */
  public Tensor like(String newName, Arena newArena) {
    return new Tensor(newName, dtype, shape, newArena, role, block);
  }

  /** One in another form that is the same to the model. */
  public Tensor like(String newName, DType newDtype, Shape newShape, Arena newArena) {
    return new Tensor(newName, newDtype, newShape, newArena, role, block);
  }

  /** Whether it is the weight of a linear layer within a block, or such a weight's gradient. */
  public boolean isMatrixOfBlock() {
    return role == Role.MATRIX && block.isPresent();
  }

  public long elements() {
    return shape.elements();
  }

  public long bytes() {
    return Math.multiplyExact(elements(), dtype.bytes());
  }

  @Override
  public String toString() {
    return name + shape;
  }
}
