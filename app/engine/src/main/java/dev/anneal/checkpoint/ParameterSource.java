package dev.anneal.checkpoint;

import java.lang.foreign.MemorySegment;

/** Gives parameters by name, a piece at a time: a checkpoint, or a model on a device. */
@FunctionalInterface
public interface ParameterSource {

  /**
   * Fills {@code floats} with the float32 of parameter {@code name} from element {@code first} on.
   */
  void read(String name, long first, MemorySegment floats);
}
