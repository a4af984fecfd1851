package dev.anneal.plan;

/** A named place for numbers; it has no data of its own. Names are unique within a plan. */
public record Tensor(String name, DType dtype, Shape shape, Arena arena) {

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
