package dev.anneal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention backward after attention forward, since it needs the latter's own results. */
class AttentionBackwardTest {

  @ParameterizedTest
  @CsvSource({"1,1,1,1", "2,5,6,2", "1,33,34,2", "2,64,64,1", "1,131,48,3"})
  void matchesTheReference(int b, int t, int c, int heads) {
    Tensor qkv = f("qkv", b, t, 3 * c);
    Tensor dOut = f("dOut", b, t, c);
    Tensor out = f("out", b, t, c);
    Tensor lse = f("lse", b, heads, t);
    Tensor dQkv = f("dQkv", b, t, 3 * c);
    List<Op> ops =
        List.of(
            new Op.AttentionForward(out, lse, qkv, heads),
            new Op.AttentionBackward(dQkv, f("delta", b, heads, t), dOut, qkv, out, lse, heads));
    ReferenceInterpreter reference = new ReferenceInterpreter();
    for (Tensor input : List.of(qkv, dOut)) {
      double[] values = reference.get(input);
      for (int i = 0; i < values.length; i++) {
        values[i] =
            (float) Philox.normal(Philox.bits(3, Philox.Purpose.TEST, input.name().length(), i, 0));
      }
    }
    reference.run(ops);
    float[] actual = onCpu(ops, reference, List.of(qkv, dOut), dQkv);
    double[] expected = reference.get(dQkv);
    double norm = Math.sqrt(java.util.Arrays.stream(expected).map(x -> x * x).sum());
    double difference = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    }
    assertEquals(0, Math.sqrt(difference), 1e-5 * norm + 1e-12);
  }

  private static Tensor f(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  private static float[] onCpu(
      List<Op> ops, ReferenceInterpreter values, List<Tensor> inputs, Tensor result) {
    List<Tensor> tensors = ops.stream().flatMap(op -> op.tensors().stream()).distinct().toList();
    ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, tensors);
    Plan plan = Plan.of("attention", ops, List.of(), List.of(layout));
    try (Device device = new CpuDevice(HostCpu.describe(), DeviceOptions.threads(3));
        Memory memory = device.allocate(Arena.INPUTS, layout.bytes());
        Memory none = device.allocate(Arena.ACTIVATIONS, 64);
        Program program =
            device.compile(plan, Map.of(Arena.INPUTS, memory, Arena.ACTIVATIONS, none));
        var host = java.lang.foreign.Arena.ofConfined()) {
      for (Tensor input : inputs) {
        MemorySegment segment = host.allocate(input.bytes(), 64);
        for (int i = 0; i < input.elements(); i++) {
          segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) values.get(input)[i]);
        }
        device.copyIn(memory, layout.offsets().get(input), segment);
      }
      program.run();
      MemorySegment segment = host.allocate(result.bytes(), 64);
      device.copyOut(memory, layout.offsets().get(result), segment);
      return segment.toArray(ValueLayout.JAVA_FLOAT);
    }
  }
}
