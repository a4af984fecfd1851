package dev.anneal.gpu;

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
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Training steps of a transformer of one block, on any device. */
public final class SmallStep implements AutoCloseable {
  private static final int B = 2;
  private static final int T = 33;
  private static final int C = 48;
  private static final int HEADS = 3;
  private static final int V = 61;
  private static final int VP = 64;

  private final List<Tensor> parameters = new ArrayList<>();
  private final Map<Arena, Memory> memory = new EnumMap<>(Arena.class);
  private final Device device;
  private final Plan plan;
  private final Tensor loss;
  private final Program program;

  public SmallStep(Device device) {
    this.device = device;
    Tensor tokens = new Tensor("tokens", DType.I32, Shape.of(B, T), Arena.INPUTS);
    Tensor targets = new Tensor("targets", DType.I32, Shape.of(B, T), Arena.INPUTS);
    Tensor schedule = new Tensor("schedule", DType.F32, Shape.of(3), Arena.INPUTS);
    Emitter emit = new Emitter();
    this.loss = forward(emit, tokens, targets);
    List<Op> ops = new ArrayList<>(emit.ops());
    ops.addAll(Backward.derive(emit.ops(), loss, 1, SmallStep::gradient));
    Tensor norm = new Tensor("norm", DType.F32, Shape.of(), Arena.ACTIVATIONS);
    List<Tensor> gradients = parameters.stream().map(SmallStep::gradient).toList();
    ops.add(new Op.GlobalNorm(norm, gradients));
    for (Tensor p : parameters) {
      float decay = p.shape().rank() > 1 ? 0.1f : 0;
      ops.add(
          new Op.AdamW(
              p,
              state("m", p),
              state("v", p),
              gradient(p),
              norm,
              schedule,
              0.9f,
              0.95f,
              1e-8f,
              decay,
              1));
    }
    Stream<Tensor> states =
        parameters.stream().flatMap(p -> Stream.of(state("m", p), state("v", p)));
    this.plan =
        Plan.of(
            "step",
            ops,
            List.of(loss, norm),
            List.of(
                ArenaLayout.sequential(Arena.PARAMETERS, parameters),
                ArenaLayout.sequential(Arena.GRADIENTS, gradients),
                ArenaLayout.sequential(Arena.OPTIMIZER, states.toList()),
                ArenaLayout.sequential(Arena.INPUTS, List.of(tokens, targets, schedule))));
    plan.layout()
        .arenas()
        .forEach((arena, layout) -> memory.put(arena, device.allocate(arena, layout.bytes())));
    for (int p = 0; p < parameters.size(); p++) {
      float[] values = new float[(int) parameters.get(p).elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (0.2 * Philox.normal(Philox.bits(5, Philox.Purpose.TEST, p, i, 0)));
      }
      write(parameters.get(p), MemorySegment.ofArray(values));
    }
    int[] words = new int[B * T];
    for (int i = 0; i < words.length; i++) {
      words[i] = (i * i + 3 * i) % V;
    }
    write(tokens, MemorySegment.ofArray(words));
    for (int i = 0; i < words.length; i++) {
      words[i] = (i * 7 + 1) % V;
    }
    write(targets, MemorySegment.ofArray(words));
    write(schedule, MemorySegment.ofArray(new float[] {0.01f, 0.1f, 0.05f}));
    this.program = device.compile(plan, memory);
  }

  private Tensor parameter(String name, int... dims) {
    Tensor tensor = new Tensor(name, DType.F32, Shape.of(dims), Arena.PARAMETERS);
    parameters.add(tensor);
    return tensor;
  }

  private static Tensor gradient(Tensor p) {
    return new Tensor("d." + p.name(), DType.F32, p.shape(), Arena.GRADIENTS);
  }

  private static Tensor state(String kind, Tensor p) {
    return new Tensor(kind + "." + p.name(), DType.F32, p.shape(), Arena.OPTIMIZER);
  }

  private Tensor norm(Emitter emit, String name, Tensor x) {
    return emit.layerNorm(name, x, parameter(name + ".w", C), parameter(name + ".b", C));
  }

  private Tensor linear(Emitter emit, String name, Tensor x, int out) {
    return emit.linear(
        name,
        x,
        parameter(name + ".w", out, x.shape().dim(-1)),
        Optional.of(parameter(name + ".b", out)));
  }

  private Tensor forward(Emitter emit, Tensor tokens, Tensor targets) {
    Tensor wte = parameter("wte", VP, C);
    Tensor x = emit.embedding("x", tokens, wte, parameter("wpe", T + 3, C), Optional.empty());
    Tensor qkv = linear(emit, "qkv", norm(emit, "ln1", x), 3 * C);
    Tensor attended = linear(emit, "proj", emit.attention("attention", qkv, HEADS), C);
    x = emit.add("middle", x, attended);
    Tensor wide = emit.gelu("gelu", linear(emit, "fc", norm(emit, "ln2", x), 4 * C));
    x = emit.add("end", x, linear(emit, "out", wide, C));
    Tensor logits = emit.linear("logits", norm(emit, "ln3", x), wte, Optional.empty());
    return emit.mean("loss", emit.crossEntropy("losses", logits, targets, V));
  }

  private void write(Tensor tensor, MemorySegment values) {
    device.copyIn(memory.get(tensor.arena()), plan.layout().offset(tensor), values);
  }

  private float[] read(Tensor tensor) {
    float[] values = new float[(int) tensor.elements()];
    device.copyOut(
        memory.get(tensor.arena()), plan.layout().offset(tensor), MemorySegment.ofArray(values));
    return values;
  }

  public Program program() {
    return program;
  }

  public Plan plan() {
    return plan;
  }

  /** The loss of one more step. */
  public float run() {
    program.run();
    return read(loss)[0];
  }

  /** All parameters as they are now. */
  public List<float[]> parameters() {
    return parameters.stream().map(this::read).toList();
  }

  /** All that has a place of its own on the device. */
  public long bytes() {
    return plan.layout().bytes();
  }

  @Override
  public void close() {
    program.close();
    memory.values().forEach(Memory::close);
  }
}
