package dev.anneal.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The rewrite that never has all logits: what it replaces, and that nothing else changes. */
class ChunkedClassifierTest {
  private static final int VOCABULARY = 37;
  private static final int PADDED = 48;
  private static final int C = 20;

  private static Tensor tensor(String name, DType dtype, Arena arena, int... dims) {
    return new Tensor(name, dtype, Shape.of(dims), arena);
  }

  private static final Tensor WTE = tensor("wte", DType.F32, Arena.PARAMETERS, PADDED, C);
  private static final Tensor WPE = tensor("wpe", DType.F32, Arena.PARAMETERS, 400, C);

  private static Tensor gradient(Tensor parameter) {
    return tensor(
        "d." + parameter.name(),
        DType.F32,
        Arena.GRADIENTS,
        parameter.shape().dims().stream().mapToInt(d -> d).toArray());
  }

  /** Embedding to loss and back, with tied weights. */
  private record Step(Tensor tokens, Tensor targets, Tensor loss, List<Op> forward, List<Op> ops) {
    static Step of(int batch, int sequence) {
      Tensor tokens = tensor("tokens", DType.I32, Arena.INPUTS, batch, sequence);
      Tensor targets = tensor("targets", DType.I32, Arena.INPUTS, batch, sequence);
      Emitter emit = new Emitter();
      Tensor x = emit.embedding("x", tokens, WTE, WPE, Optional.empty());
      Tensor logits = emit.linear("logits", emit.gelu("gelu", x), WTE, Optional.empty());
      Tensor loss = emit.mean("loss", emit.crossEntropy("losses", logits, targets, VOCABULARY));
      List<Op> ops = new ArrayList<>(emit.ops());
      ops.addAll(Backward.derive(emit.ops(), loss, 0.5f, ChunkedClassifierTest::gradient));
      return new Step(tokens, targets, loss, emit.ops(), ops);
    }

    Plan plan(List<Op> of) {
      return Plan.of(
          "step",
          of,
          List.of(loss),
          List.of(
              ArenaLayout.sequential(Arena.PARAMETERS, List.of(WTE, WPE)),
              ArenaLayout.sequential(Arena.GRADIENTS, List.of(gradient(WTE), gradient(WPE))),
              ArenaLayout.sequential(Arena.INPUTS, List.of(tokens, targets))));
    }

    /** Loss and gradients in double precision. */
    List<double[]> reference(List<Op> of) {
      ReferenceInterpreter run = new ReferenceInterpreter();
      for (Tensor parameter : List.of(WTE, WPE)) {
        float[] values = values(parameter);
        for (int i = 0; i < values.length; i++) {
          run.get(parameter)[i] = values[i];
        }
      }
      for (Tensor integers : List.of(tokens, targets)) {
        int[] values = integers(integers);
        for (int i = 0; i < values.length; i++) {
          run.get(integers)[i] = values[i];
        }
      }
      run.run(of);
      return List.of(run.get(loss), run.get(gradient(WTE)), run.get(gradient(WPE)));
    }

    /** Loss and gradients on the CPU. */
    List<float[]> on(Device device, List<Op> of) {
      Plan plan = plan(of);
      Map<Arena, Memory> memory = new EnumMap<>(Arena.class);
      plan.layout().arenas().forEach((a, l) -> memory.put(a, device.allocate(a, l.bytes())));
      try (Program program = device.compile(plan, memory)) {
        for (Tensor t : List.of(WTE, WPE)) {
          device.copyIn(
              memory.get(t.arena()), plan.layout().offset(t), MemorySegment.ofArray(values(t)));
        }
        for (Tensor t : List.of(tokens, targets)) {
          device.copyIn(
              memory.get(t.arena()), plan.layout().offset(t), MemorySegment.ofArray(integers(t)));
        }
        program.run();
        List<float[]> results = new ArrayList<>();
        for (Tensor t : List.of(loss, gradient(WTE), gradient(WPE))) {
          float[] result = new float[(int) t.elements()];
          device.copyOut(
              memory.get(t.arena()), plan.layout().offset(t), MemorySegment.ofArray(result));
          results.add(result);
        }
        return results;
      } finally {
        memory.values().forEach(Memory::close);
      }
    }

    private static float[] values(Tensor tensor) {
      float[] values = new float[(int) tensor.elements()];
      for (int i = 0; i < values.length; i++) {
        int key = tensor.name().charAt(1);
        values[i] = (float) Philox.normal(Philox.bits(7, Philox.Purpose.TEST, key, i, 0));
      }
      return values;
    }

    private static int[] integers(Tensor tensor) {
      int[] values = new int[(int) tensor.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (i * tensor.name().length() + i * i) % VOCABULARY;
      }
      return values;
    }
  }

  private static List<Class<?>> kinds(List<Op> ops) {
    return ops.stream().<Class<?>>map(Op::getClass).toList();
  }

  @Test
  void standsWhereTheGradientOfTheLossesIsKnown() {
    Step step = Step.of(2, 19);
    List<Op> chunked = new ChunkedClassifier(16).apply(step.ops());
    assertEquals(
        List.of(
            Op.EmbeddingForward.class,
            Op.GeluForward.class,
            Op.Fill.class,
            Op.MeanBackward.class,
            Op.Classifier.class,
            Op.MeanForward.class,
            Op.GeluBackward.class,
            Op.TokenEmbeddingBackward.class,
            Op.PositionEmbeddingBackward.class),
        kinds(chunked));
    Op.Classifier classifier = (Op.Classifier) chunked.get(4);
    assertEquals(Shape.of(16, PADDED), classifier.logits().shape());
    assertFalse(classifier.accumulate());
    assertTrue(((Op.TokenEmbeddingBackward) chunked.get(7)).accumulate());
    Plan before = step.plan(step.ops());
    Plan after = step.plan(chunked);
    long all = 2L * 19 * PADDED;
    assertTrue(before.tensors().stream().anyMatch(t -> t.elements() == all));
    assertTrue(after.tensors().stream().noneMatch(t -> t.elements() == all));
    assertTrue(after.layout().bytes(Arena.ACTIVATIONS) < before.layout().bytes(Arena.ACTIVATIONS));
  }

  @Test
  void computesTheSame() {
    Step step = Step.of(2, 19);
    List<double[]> expected = step.reference(step.ops());
    for (int rows : new int[] {8, 16, 40}) {
      List<double[]> actual = step.reference(new ChunkedClassifier(rows).apply(step.ops()));
      for (int i = 0; i < expected.size(); i++) {
        assertArrayEquals(expected.get(i), actual.get(i), 1e-12);
      }
    }
  }

  @Test
  void hasTheSameBitsOnTheCpuWhateverTheThreads() {
    Step step = Step.of(2, 290);
    List<Op> chunked = new ChunkedClassifier(256).apply(step.ops());
    CpuBackend backend = new CpuBackend();
    Availability.Available found = (Availability.Available) backend.probe();
    List<List<float[]>> runs = new ArrayList<>();
    for (int threads : new int[] {1, 3}) {
      try (Device device =
          backend.open(found.devices().getFirst(), DeviceOptions.threads(threads))) {
        runs.add(step.on(device, step.ops()));
        runs.add(step.on(device, chunked));
      }
    }
    for (List<float[]> run : runs) {
      for (int i = 0; i < run.size(); i++) {
        assertArrayEquals(runs.getFirst().get(i), run.get(i));
      }
    }
  }

  @Test
  void leavesAPlanAloneThatItDoesNotFit() {
    Step step = Step.of(2, 19);
    ChunkedClassifier rewrite = new ChunkedClassifier(16);
    assertEquals(step.forward(), rewrite.apply(step.forward()));
    // Somebody else reads the logits.
    List<Op> more = new ArrayList<>(step.ops());
    Tensor logits = ((Op.MatmulForward) step.forward().get(2)).out();
    more.add(
        new Op.Add(
            new Tensor("sum", DType.F32, logits.shape(), Arena.ACTIVATIONS), logits, logits));
    assertEquals(more, rewrite.apply(more));
  }

  @Test
  void hasChunksOfWholeSixteenBytes() {
    assertEquals(new ChunkedClassifier(40), ChunkedClassifier.chunks(4, 150));
    assertEquals(new ChunkedClassifier(8), ChunkedClassifier.chunks(1000, 150));
    assertThrows(IllegalArgumentException.class, () -> new ChunkedClassifier(12));
  }
}
