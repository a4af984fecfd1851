package dev.anneal.cpu;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One op on random input, on the CPU and in the reference; what is only written starts as NaN. */
final class OpOnCpu {
  private final Op op;
  private final int integersBelow;

  OpOnCpu(Op original, int integersBelow) {
    this.op = original.mapTensors(t -> new Tensor(t.name(), t.dtype(), t.shape(), Arena.INPUTS));
    this.integersBelow = integersBelow;
  }

  Op op() {
    return op;
  }

  private boolean isInput(Tensor tensor) {
    boolean accumulates = op instanceof Op.ParameterGradient g && g.accumulate();
    return op.reads().contains(tensor) || (accumulates && op.writes().contains(tensor));
  }

  private float[] input(Tensor tensor, int index) {
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      long bits = Philox.bits(11, Philox.Purpose.TEST, index, i, 0);
      if (!isInput(tensor)) {
        values[i] = Float.NaN;
      } else if (tensor.dtype() == DType.I32) {
        values[i] = (int) ((bits >>> 1) % integersBelow);
      } else if (tensor.name().startsWith("positive")) {
        values[i] = (float) (0.1 + Philox.uniform(bits));
      } else {
        values[i] = (float) Philox.normal(bits);
      }
    }
    return values;
  }

  /** The results in double precision. */
  Map<Tensor, double[]> reference() {
    ReferenceInterpreter run = new ReferenceInterpreter();
    List<Tensor> tensors = op.tensors();
    for (int t = 0; t < tensors.size(); t++) {
      if (isInput(tensors.get(t))) {
        float[] values = input(tensors.get(t), t);
        for (int i = 0; i < values.length; i++) {
          run.get(tensors.get(t))[i] = values[i];
        }
      }
    }
    run.run(op);
    Map<Tensor, double[]> results = new HashMap<>();
    op.writes().forEach(tensor -> results.put(tensor, run.get(tensor)));
    return results;
  }

  /** The results on the CPU with a team of {@code threads}. */
  Map<Tensor, float[]> onCpu(int threads) {
    ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, op.tensors());
    Plan plan = Plan.of("one op", List.of(op), List.of(), List.of(layout));
    try (Device device = new CpuDevice(HostCpu.describe(), DeviceOptions.threads(threads));
        Memory inputs = device.allocate(Arena.INPUTS, layout.bytes());
        Memory none = device.allocate(Arena.ACTIVATIONS, 64);
        Program program =
            device.compile(plan, Map.of(Arena.INPUTS, inputs, Arena.ACTIVATIONS, none));
        var host = java.lang.foreign.Arena.ofConfined()) {
      List<Tensor> tensors = op.tensors();
      for (int t = 0; t < tensors.size(); t++) {
        Tensor tensor = tensors.get(t);
        float[] values = input(tensor, t);
        MemorySegment segment = host.allocate(ValueLayout.JAVA_FLOAT, values.length);
        for (int i = 0; i < values.length; i++) {
          if (tensor.dtype() == DType.I32) {
            segment.setAtIndex(ValueLayout.JAVA_INT, i, (int) values[i]);
          } else {
            segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, values[i]);
          }
        }
        device.copyIn(inputs, layout.offsets().get(tensor), segment);
      }
      program.run();
      Map<Tensor, float[]> results = new HashMap<>();
      for (Tensor tensor : op.writes()) {
        MemorySegment segment = host.allocate(tensor.bytes(), 64);
        device.copyOut(inputs, layout.offsets().get(tensor), segment);
        results.put(tensor, segment.toArray(ValueLayout.JAVA_FLOAT));
      }
      return results;
    }
  }
}
