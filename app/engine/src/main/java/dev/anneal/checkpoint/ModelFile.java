package dev.anneal.checkpoint;

import dev.anneal.model.ModelConfig;
import dev.anneal.model.Parameter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** A model that another program saved: what it is, and its weights in this program's shapes. */
public interface ModelFile extends ParameterSource, AutoCloseable {
  /** How many numbers are read at a time. */
  int CHUNK = 1 << 20;

  ModelConfig config();

  Path path();

  /** Hands every parameter to {@code sink}, in the model's order, a few megabytes at a time. */
  default void readAll(ParameterSink sink) {
    try (Arena buffers = Arena.ofShared()) {
      MemorySegment buffer = buffers.allocate((long) CHUNK * Float.BYTES, 64);
      for (Parameter parameter : config().model().parameters()) {
        long elements = parameter.tensor().elements();
        for (long first = 0; first < elements; first += CHUNK) {
          long n = Math.min(CHUNK, elements - first);
          MemorySegment floats = buffer.asSlice(0, n * Float.BYTES);
          read(parameter.name(), first, floats);
          sink.write(parameter.name(), first, floats);
        }
      }
    }
  }

  @Override
  void close();
}
