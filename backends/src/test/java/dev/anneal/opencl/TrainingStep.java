package dev.anneal.opencl;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.Backward;
import dev.anneal.plan.DType;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A training step of a GPT-2 on random weights and tokens, compiled for a device. */
final class TrainingStep implements AutoCloseable {
  private final Device device;
  private final Map<Arena, Memory> memory = new EnumMap<>(Arena.class);
  private final List<Tensor> parameters = new ArrayList<>();
  private final Tensor loss;
  private final Plan plan;
  private final Program program;

  TrainingStep(
      Device device,
      int batch,
      int length,
      int layers,
      int heads,
      int channels,
      int vocabulary,
      int padded) {
    this.device = device;
    Tensor tokens = input("tokens", DType.I32, batch, length);
    Tensor targets = input("targets", DType.I32, batch, length);
    Tensor schedule = input("schedule", DType.F32, 3);
    Emitter emit = new Emitter();
    Tensor wte = parameter("wte", padded, channels);
    Tensor x =
        emit.embedding(
            "embedded", tokens, wte, parameter("wpe", length, channels), Optional.empty());
    for (int layer = 0; layer < layers; layer++) {
      String at = layer + ".";
      Tensor a = norm(emit, at + "ln1", x, channels);
      a = linear(emit, at + "qkv", a, channels, 3 * channels);
      a = emit.attention(at + "attention", a, heads);
      x = emit.add(at + "residual1", x, linear(emit, at + "projection", a, channels, channels));
      Tensor f = norm(emit, at + "ln2", x, channels);
      f = emit.gelu(at + "gelu", linear(emit, at + "fc", f, channels, 4 * channels));
      x = emit.add(at + "residual2", x, linear(emit, at + "out", f, 4 * channels, channels));
    }
    Tensor logits = emit.linear("logits", norm(emit, "ln", x, channels), wte, Optional.empty());
    this.loss = emit.mean("loss", emit.crossEntropy("losses", logits, targets, vocabulary));
    List<Op> ops = new ArrayList<>(emit.ops());
    ops.addAll(Backward.derive(emit.ops(), loss, 1, p -> like(p, "gradient", Arena.GRADIENTS)));
    Tensor norm = new Tensor("norm", DType.F32, Shape.of(), Arena.ACTIVATIONS);
    ops.add(
        new Op.GlobalNorm(
            norm, parameters.stream().map(p -> like(p, "gradient", Arena.GRADIENTS)).toList()));
    for (Tensor p : parameters) {
      ops.add(
          new Op.AdamW(
              p,
              like(p, "m", Arena.OPTIMIZER),
              like(p, "v", Arena.OPTIMIZER),
              like(p, "gradient", Arena.GRADIENTS),
              norm,
              schedule,
              0.9f,
              0.95f,
              1e-8f,
              0.1f,
              1));
    }
    this.plan =
        Plan.of(
            "step",
            ops,
            List.of(loss, norm),
            List.of(
                ArenaLayout.sequential(Arena.PARAMETERS, parameters),
                ArenaLayout.sequential(
                    Arena.GRADIENTS,
                    parameters.stream().map(p -> like(p, "gradient", Arena.GRADIENTS)).toList()),
                ArenaLayout.sequential(
                    Arena.OPTIMIZER,
                    parameters.stream()
                        .flatMap(
                            p ->
                                Stream.of(
                                    like(p, "m", Arena.OPTIMIZER), like(p, "v", Arena.OPTIMIZER)))
                        .toList()),
                ArenaLayout.sequential(Arena.INPUTS, List.of(tokens, targets, schedule))));
    plan.layout()
        .arenas()
        .forEach((arena, layout) -> memory.put(arena, device.allocate(arena, layout.bytes())));
    fill(vocabulary, tokens, targets, schedule);
    this.program = device.compile(plan, memory);
  }

  Program program() {
    return program;
  }

  /** The loss of the last run, in nats. */
  float loss() {
    try (var host = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment value = host.allocate(4);
      device.copyOut(memory.get(loss.arena()), plan.layout().offset(loss), value);
      return value.get(ValueLayout.JAVA_FLOAT, 0);
    }
  }

  private void fill(int vocabulary, Tensor tokens, Tensor targets, Tensor schedule) {
    for (Tensor ids : List.of(tokens, targets)) {
      int[] values = new int[(int) ids.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (int) ((bits(ids.name().length(), i) >>> 1) % vocabulary);
      }
      write(ids, MemorySegment.ofArray(values));
    }
    write(schedule, MemorySegment.ofArray(new float[] {1e-3f, 0.1f, 0.05f}));
    for (int p = 0; p < parameters.size(); p++) {
      boolean scale = parameters.get(p).name().endsWith(".scale");
      float[] values = new float[(int) parameters.get(p).elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (scale ? 1 : 0) + 0.04f * (float) (Philox.uniform(bits(p, i)) - 0.5);
      }
      write(parameters.get(p), MemorySegment.ofArray(values));
    }
  }

  private static long bits(int stream, long i) {
    return Philox.bits(5, Philox.Purpose.TEST, stream, i, 0);
  }

  private void write(Tensor tensor, MemorySegment values) {
    device.copyIn(memory.get(tensor.arena()), plan.layout().offset(tensor), values);
  }

  private static Tensor input(String name, DType dtype, int... dims) {
    return new Tensor(name, dtype, Shape.of(dims), Arena.INPUTS);
  }

  private Tensor parameter(String name, int... dims) {
    Tensor tensor = new Tensor(name, DType.F32, Shape.of(dims), Arena.PARAMETERS);
    parameters.add(tensor);
    return tensor;
  }

  private static Tensor like(Tensor parameter, String what, Arena arena) {
    return new Tensor(parameter.name() + "." + what, DType.F32, parameter.shape(), arena);
  }

  private Tensor norm(Emitter emit, String name, Tensor x, int channels) {
    return emit.layerNorm(
        name, x, parameter(name + ".scale", channels), parameter(name + ".shift", channels));
  }

  private Tensor linear(Emitter emit, String name, Tensor x, int from, int to) {
    return emit.linear(
        name, x, parameter(name + ".weight", to, from), Optional.of(parameter(name + ".bias", to)));
  }

  @Override
  public void close() {
    program.close();
    memory.values().forEach(Memory::close);
  }
}
