package dev.anneal.ops;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An {@link OpRun} compiled for a device, to be run as often as wanted. A GPU's first run tells it
 * command by command what to do, those that follow are a graph.
 */
public final class OpTrial implements AutoCloseable {
  private final OpRun run;
  private final Device device;
  private final ArenaLayout layout;
  private final Memory inputs;
  private final Memory none;
  private final Program program;
  private final java.lang.foreign.Arena host = java.lang.foreign.Arena.ofConfined();
  private final Map<Tensor, MemorySegment> given = new HashMap<>();

  public OpTrial(OpRun run, Device device) {
    this.run = run;
    this.device = device;
    List<Tensor> tensors = run.tensors();
    layout = ArenaLayout.sequential(Arena.INPUTS, tensors);
    Plan plan = Plan.of("one op", run.ops(), List.of(), List.of(layout)).with(run.multiplication());
    inputs = device.allocate(Arena.INPUTS, layout.bytes());
    try {
      none = device.allocate(Arena.ACTIVATIONS, 64);
    } catch (RuntimeException e) {
      inputs.close();
      throw e;
    }
    try {
      program = device.compile(plan, Map.of(Arena.INPUTS, inputs, Arena.ACTIVATIONS, none));
    } catch (RuntimeException e) {
      free();
      throw e;
    }
    for (int t = 0; t < tensors.size(); t++) {
      Tensor tensor = tensors.get(t);
      float[] values = run.input(tensor, t);
      MemorySegment segment = host.allocate(tensor.bytes(), 64);
      for (int i = 0; i < values.length; i++) {
        Elements.set(segment, tensor.dtype(), i, values[i]);
      }
      given.put(tensor, segment);
    }
  }

  /** Writes all input anew, runs all ops once, and reads what they wrote. */
  public Map<Tensor, float[]> run() {
    given.forEach((tensor, values) -> device.copyIn(inputs, place(tensor), values));
    program.run();
    Map<Tensor, float[]> results = new HashMap<>();
    try (var buffers = java.lang.foreign.Arena.ofConfined()) {
      for (Tensor tensor : run.results()) {
        MemorySegment segment = buffers.allocate(tensor.bytes(), 64);
        device.copyOut(inputs, place(tensor), segment);
        float[] values = new float[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
          values[i] = Elements.get(segment, tensor.dtype(), i);
        }
        results.put(tensor, values);
      }
    }
    return results;
  }

  private long place(Tensor tensor) {
    return requireNonNull(layout.offsets().get(tensor));
  }

  private void free() {
    inputs.close();
    none.close();
    host.close();
  }

  @Override
  public void close() {
    program.close();
    free();
  }
}
