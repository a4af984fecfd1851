package dev.anneal.training;

import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.model.Parameter.Initial;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A model's first weights, as a function of the seed: element i of parameter p is the normal number
 * that Philox gives for (seed, p, i), whoever computes it.
 */
public final class Initialization {
  private static final int CHUNK = 1 << 20;

  private Initialization() {}

  /** Writes every parameter of {@code model} through {@code trainer}. */
  public static void initialize(Trainer trainer, Model model, long seed) {
    List<Parameter> parameters = model.parameters();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment buffer = arena.allocate(ValueLayout.JAVA_FLOAT, CHUNK);
      for (int p = 0; p < parameters.size(); p++) {
        Parameter parameter = parameters.get(p);
        long n = parameter.tensor().elements();
        for (long from = 0; from < n; from += CHUNK) {
          int count = (int) Math.min(CHUNK, n - from);
          fill(buffer, parameter, seed, p, from, count);
          trainer.write(parameter.tensor(), from * 4, buffer.asSlice(0, count * 4L));
        }
      }
    }
  }

  /** Sets what the optimizer remembers to 0, as before the first update. */
  public static void clearMoments(Trainer trainer, Model model) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment zeros = arena.allocate(4L * CHUNK);
      for (Parameter parameter : model.parameters()) {
        for (Tensor state : trainer.optimizer().state(parameter)) {
          for (long from = 0; from < state.bytes(); from += zeros.byteSize()) {
            trainer.write(
                state, from, zeros.asSlice(0, Math.min(zeros.byteSize(), state.bytes() - from)));
          }
        }
      }
    }
  }

  private static void fill(
      MemorySegment buffer, Parameter parameter, long seed, int stream, long from, int count) {
    switch (parameter.initial()) {
      case Initial.Constant(float value) ->
          IntStream.range(0, count)
              .forEach(i -> buffer.setAtIndex(ValueLayout.JAVA_FLOAT, i, value));
      case Initial.Normal(float deviation, int rows) -> {
        long used = (long) rows * parameter.tensor().shape().dim(-1);
        IntStream.range(0, count)
            .parallel()
            .forEach(
                i ->
                    buffer.setAtIndex(
                        ValueLayout.JAVA_FLOAT,
                        i,
                        from + i < used ? normal(seed, stream, from + i) * deviation : 0));
      }
    }
  }

  private static float normal(long seed, int stream, long element) {
    return (float)
        Philox.normal(Philox.bits(seed, Philox.Purpose.INITIALIZATION, stream, element, 0));
  }
}
