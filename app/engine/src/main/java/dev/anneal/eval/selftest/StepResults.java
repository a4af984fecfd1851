package dev.anneal.eval.selftest;

import static java.util.Objects.requireNonNull;

import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Tensor;
import dev.anneal.reference.Difference;
import dev.anneal.training.Trainer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a step has left in a trainer's tensors, by their names. */
final class StepResults {
  private final Map<String, float[]> values = new LinkedHashMap<>();

  private StepResults() {}

  /** The gradients by the names of their parameters. */
  static StepResults gradients(Trainer trainer, Model model) {
    StepResults results = new StepResults();
    for (Parameter parameter : model.parameters()) {
      results.values.put(parameter.name(), read(trainer, parameter.gradient()));
    }
    return results;
  }

  /** Gradients, parameters and moments. */
  static StepResults all(Trainer trainer, Model model) {
    StepResults results = gradients(trainer, model);
    for (Parameter parameter : model.parameters()) {
      results.values.put(parameter.name() + " itself", read(trainer, parameter.tensor()));
      for (Tensor state : trainer.optimizer().state(parameter)) {
        results.values.put(state.name(), read(trainer, state));
      }
    }
    return results;
  }

  private static float[] read(Trainer trainer, Tensor tensor) {
    float[] floats = new float[Math.toIntExact(tensor.elements())];
    try (Arena host = Arena.ofConfined()) {
      MemorySegment segment = host.allocate(4L * floats.length, 64);
      trainer.read(tensor, 0, segment);
      MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT, 0, floats, 0, floats.length);
    }
    return floats;
  }

  private float[] of(String name) {
    return requireNonNull(values.get(name));
  }

  /** How far a tensor is off what is {@code right}. */
  Difference difference(StepResults right, String name) {
    Difference.Sum sum = new Difference.Sum();
    float[] given = of(name);
    float[] expected = right.of(name);
    for (int i = 0; i < given.length; i++) {
      sum.add(given[i], expected[i]);
    }
    return sum.difference();
  }

  /** How many elements have other bits. */
  long differentBits(StepResults other) {
    long count = 0;
    for (Map.Entry<String, float[]> entry : values.entrySet()) {
      float[] a = entry.getValue();
      float[] b = other.of(entry.getKey());
      for (int i = 0; i < a.length; i++) {
        count += Float.floatToRawIntBits(a[i]) == Float.floatToRawIntBits(b[i]) ? 0 : 1;
      }
    }
    return count;
  }
}
