package dev.anneal.checkpoint;

import java.lang.foreign.MemorySegment;

/** Takes parameters by name, a piece at a time. */
@FunctionalInterface
public interface ParameterSink {

  /**
   * Takes the float32 of parameter {@code name} from element {@code first} on; it keeps no view.
   */
  void write(String name, long first, MemorySegment floats);
}
