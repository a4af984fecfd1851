package dev.anneal.opencl;

import dev.anneal.plan.Tensor;
import java.util.List;

/** What a kernel is given; tensors and workspace take two of its parameters. */
sealed interface Argument {

  /**
   * A tensor of 32-bit numbers from element {@code first} on: its arena's buffer, and the index of
   * that element.
   */
  record Data(Tensor tensor, long first) implements Argument {}

  /** The same for one that may be stored in 16 bits; a launch's are all stored alike. */
  record Activations(Tensor tensor, long first) implements Argument {}

  /** Room in the program's workspace from float {@code first} on. */
  record Workspace(long first) implements Argument {}

  /** The whole arena that a tensor is in; it takes one parameter. */
  record ArenaOf(Tensor tensor) implements Argument {}

  /**
   * A table on the device: for each tile of {@code size} elements of each tensor, where in the
   * arena it begins and how many elements it has. All tensors are in one arena. It takes one
   * parameter.
   */
  record Tiles(List<Tensor> tensors, int size) implements Argument {
    public Tiles {
      tensors = List.copyOf(tensors);
    }

    long count() {
      return tensors.stream().mapToLong(t -> Math.ceilDiv(t.elements(), size)).sum();
    }
  }

  record Int(int value) implements Argument {}

  record Long(long value) implements Argument {}

  record Real(float value) implements Argument {}

  static Argument data(Tensor tensor) {
    return new Data(tensor, 0);
  }

  static Argument activations(Tensor tensor) {
    return new Activations(tensor, 0);
  }

  static Argument workspace(long first) {
    return new Workspace(first);
  }

  static Argument integer(int value) {
    return new Int(value);
  }

  static Argument flag(boolean value) {
    return new Int(value ? 1 : 0);
  }

  /** A number of elements. */
  static Argument count(long value) {
    return new Long(value);
  }

  static Argument real(float value) {
    return new Real(value);
  }
}
