package dev.anneal.checkpoint;

import java.util.List;

/**
 * One tensor in a safetensors file.
 *
 * @param shape outermost first, elements in C order; empty for a scalar
 * @param begin where its bytes begin, relative to the end of the header
 * @param end where they end
 */
public record SafetensorsEntry(
    String name, SafetensorsType type, List<Long> shape, long begin, long end) {

  public SafetensorsEntry {
    shape = List.copyOf(shape);
  }

  public long bytes() {
    return end - begin;
  }

  /**
   * Bytes of a tensor.
   *
   * @throws ArithmeticException when they exceed 2^63 - 1 or are no whole number
   */
  static long bytes(SafetensorsType type, List<Long> shape) {
    // A zero anywhere makes the product zero, whatever the order that it is taken in.
    long elements = shape.contains(0L) ? 0 : 1;
    for (long dim : shape) {
      elements = Math.multiplyExact(elements, dim);
    }
    long bits = Math.multiplyExact(elements, type.bits());
    if (bits % 8 != 0) {
      throw new ArithmeticException("no whole number of bytes");
    }
    return bits / 8;
  }
}
