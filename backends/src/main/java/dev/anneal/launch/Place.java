package dev.anneal.launch;

import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;

/** Somewhere in a device's memory, which a driver finds when it binds a program. */
public sealed interface Place extends Argument {
  /** No memory. */
  Place NONE = new At(0);

  /**
   * A tensor from element {@code first} on. In OpenCL it has 32-bit numbers, but for {@link
   * Activations}.
   */
  record Data(Tensor tensor, long first) implements Place {}

  /** The same in OpenCL for one that may be stored in 16 bits; a launch's are all stored alike. */
  record Activations(Tensor tensor, long first) implements Place {}

  /** The whole arena that a tensor is in; OpenCL's, where arenas are buffers. */
  record ArenaOf(Tensor tensor) implements Place {}

  /**
   * Byte {@code at} of some of an op's scratch.
   *
   * @param from where that begins in the program's
   */
  record Scratch(long from, long bytes, long at) implements Place {
    /** The same room from a byte of it on. */
    public Scratch plus(long offset) {
      return new Scratch(from, bytes, at + offset);
    }

    /** Whether both are in the same room. */
    public boolean shares(Scratch other) {
      return from == other.from && bytes == other.bytes;
    }
  }

  /** Words that are copied to the device before the first run. */
  record Table(List<Word> words) implements Place {
    public Table {
      words = List.copyOf(words);
    }
  }

  /** One word of a table. */
  sealed interface Word {}

  record Number(long value) implements Word {}

  /** The address of a place. */
  record Address(Place place) implements Word {}

  /**
   * A table of OpenCL's: for each tile of {@code size} elements of each tensor, where in the arena
   * it begins and how many elements it has. All tensors are in one arena.
   */
  record Tiles(List<Tensor> tensors, int size) implements Place {
    public Tiles {
      tensors = List.copyOf(tensors);
    }

    public long count() {
      return tensors.stream().mapToLong(t -> Math.ceilDiv(t.elements(), size)).sum();
    }
  }

  /** An address, which is what a driver sees; 0 is none. */
  record At(long address) implements Place {}

  static Place data(Tensor tensor) {
    return new Data(tensor, 0);
  }

  static Place data(Optional<Tensor> tensor) {
    return tensor.map(Place::data).orElse(NONE);
  }

  static Place activations(Tensor tensor) {
    return new Activations(tensor, 0);
  }

  static Place at(long address) {
    return address == 0 ? NONE : new At(address);
  }

  /**
   * The address of one that is bound.
   *
   * @throws IllegalStateException when it is not
   */
  default long address() {
    if (this instanceof At(long address)) {
      return address;
    }
    throw new IllegalStateException(this + " is not bound");
  }

  default boolean isNone() {
    return equals(NONE);
  }
}
