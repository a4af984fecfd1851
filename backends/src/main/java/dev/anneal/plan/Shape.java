package dev.anneal.plan;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The sizes of a tensor, outermost first, elements in C order; {@code Shape.of(B, T, C)}. A scalar
 * has no dimensions.
 */
public record Shape(List<Integer> dims) {

  public Shape {
    dims = List.copyOf(dims);
    for (int dim : dims) {
      if (dim < 1) {
        throw new IllegalArgumentException(
            "a dimension must be at least 1, not " + dim + " in " + dims);
      }
    }
  }

  public static Shape of(int... dims) {
    return new Shape(Arrays.stream(dims).boxed().toList());
  }

  public int rank() {
    return dims.size();
  }

  /** The size of dimension {@code i}; negative {@code i} counts from the innermost, which is -1. */
  public int dim(int i) {
    return dims.get(i < 0 ? dims.size() + i : i);
  }

  /** The product of all sizes; throws {@link ArithmeticException} beyond 2^63 - 1. */
  public long elements() {
    long n = 1;
    for (int dim : dims) {
      n = Math.multiplyExact(n, dim);
    }
    return n;
  }

  /** The product of all sizes but the innermost: (B, T, C) has B*T rows of C. */
  public long rows() {
    return rank() == 0 ? 1 : elements() / dim(-1);
  }

  @Override
  public String toString() {
    return dims.stream().map(String::valueOf).collect(Collectors.joining(", ", "(", ")"));
  }
}
