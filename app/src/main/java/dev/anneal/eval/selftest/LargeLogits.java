package dev.anneal.eval.selftest;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.eval.selftest.Finding.Measured;
import dev.anneal.eval.selftest.Finding.Skipped;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import dev.anneal.reference.Difference;
import dev.anneal.reference.ReferenceInterpreter;
import dev.anneal.reference.Tolerance;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The end of a step with all logits at once, which are more than 2^31 elements, so that an index of
 * 32 bits does not reach the last of them. The rows repeat, so that the reference need not compute
 * all: every loss, and the gradients of all rows and of the weight, are held against it.
 */
final class LargeLogits {
  /** Rows that differ, and how often they are there. */
  private static final int PERIOD = 32;

  private static final int REPEATS = 1335;

  /** Ops that a result has come through, each of which may round it. */
  private static final int DEPTH = 3;

  private final DType dtype;
  private final long seed;

  /**
   * @param dtype of all but losses and the weight's gradient
   */
  private LargeLogits(DType dtype, long seed) {
    this.dtype = dtype;
    this.seed = seed;
  }

  static Check check(Precision precision, SelfTest.Settings settings) {
    LargeLogits large = new LargeLogits(precision.storage(), settings.seed());
    return new Check(
        "large_logits",
        precision,
        on -> settings.quick() ? new Skipped("too large for --quick") : large.on(on));
  }

  private Finding on(Device device) {
    ClassifierOps ops = ClassifierOps.of(PERIOD * REPEATS, dtype);
    ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, ops.tensors());
    Plan plan = Plan.of("large logits", ops.all(), List.of(), List.of(layout));
    long needed = layout.bytes() + device.workspaceBytes(plan);
    long there = device.info().memoryBytes();
    if (needed > there) {
      return new Skipped(
          String.format(
              Locale.ROOT, "needs %.1f GB and the device has %.1f GB", needed / 1e9, there / 1e9));
    }
    Memory inputs;
    try {
      inputs = device.allocate(Arena.INPUTS, layout.bytes());
    } catch (Failure e) {
      return new Skipped(e.getMessage());
    }
    try (inputs;
        Memory none = device.allocate(Arena.ACTIVATIONS, 64);
        Program program =
            device.compile(plan, Map.of(Arena.INPUTS, inputs, Arena.ACTIVATIONS, none))) {
      for (Tensor tensor : ops.given()) {
        write(device, inputs, layout, tensor);
      }
      program.run();
      Map<String, double[]> right = reference();
      return ops.results().stream()
          .map(op -> measured(op, right, read(device, inputs, layout, op.writes().getFirst())))
          .reduce(Measured::worse)
          .orElseThrow();
    }
  }

  private static Measured measured(Op op, Map<String, double[]> expected, float[] given) {
    Tensor tensor = op.writes().getFirst();
    double[] right = requireNonNull(expected.get(tensor.name()));
    double scale = op instanceof Op.MatmulBackwardWeight ? REPEATS : 1;
    Difference.Sum sum = new Difference.Sum();
    for (int i = 0; i < given.length; i++) {
      sum.add(given[i], scale * right[i % right.length]);
    }
    return Measured.of(
        Tolerance.inNorm(op, Multiplication.EXACT).times(DEPTH),
        sum.difference(),
        tensor.toString());
  }

  /** The results of one period of rows by their names. */
  private Map<String, double[]> reference() {
    ClassifierOps ops = ClassifierOps.of(PERIOD, dtype);
    ReferenceInterpreter run = new ReferenceInterpreter();
    for (Tensor tensor : ops.given()) {
      double[] values = run.get(tensor);
      for (int i = 0; i < values.length; i++) {
        values[i] = value(tensor, i);
      }
    }
    run.run(ops.all());
    Map<String, double[]> results = new HashMap<>();
    ops.results()
        .forEach(
            op -> {
              Tensor tensor = op.writes().getFirst();
              results.put(tensor.name(), run.get(tensor));
            });
    return results;
  }

  /** Element {@code i} of what is given, the same in every period of rows. */
  private float value(Tensor tensor, int i) {
    if (tensor.name().equals(ClassifierOps.UNIT)) {
      return 1;
    }
    boolean ofRows = !tensor.name().equals(ClassifierOps.WEIGHT);
    int columns = tensor.shape().rank() > 2 ? tensor.shape().dim(-1) : 1;
    int at = ofRows ? i % (PERIOD * columns) : i;
    long bits = Philox.bits(seed, Philox.Purpose.TEST, tensor.name().hashCode(), at, 0);
    return tensor.dtype() == DType.I32
        ? Long.remainderUnsigned(bits, ClassifierOps.VOCABULARY)
        : tensor.dtype().round((float) Philox.normal(bits));
  }

  private void write(Device device, Memory inputs, ArenaLayout layout, Tensor tensor) {
    try (var host = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment segment = host.allocate(tensor.bytes(), 64);
      for (int i = 0; i < tensor.elements(); i++) {
        Elements.set(segment, tensor.dtype(), i, value(tensor, i));
      }
      device.copyIn(inputs, requireNonNull(layout.offsets().get(tensor)), segment);
    }
  }

  private static float[] read(Device device, Memory inputs, ArenaLayout layout, Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    try (var host = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment segment = host.allocate(tensor.bytes(), 64);
      device.copyOut(inputs, requireNonNull(layout.offsets().get(tensor)), segment);
      for (int i = 0; i < values.length; i++) {
        values[i] = Elements.get(segment, tensor.dtype(), i);
      }
    }
    return values;
  }
}
