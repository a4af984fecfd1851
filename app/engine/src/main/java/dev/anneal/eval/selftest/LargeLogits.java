package dev.anneal.eval.selftest;

import static dev.anneal.failure.Spelling.setting;
import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.eval.selftest.Finding.Measured;
import dev.anneal.eval.selftest.Finding.Skipped;
import dev.anneal.failure.ExitCode;
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

  /** A device that is no GPU may need minutes. */
  private static final double MOST_SECONDS = 30;

  private final Precision precision;
  private final long seed;

  private LargeLogits(Precision precision, long seed) {
    this.precision = precision;
    this.seed = seed;
  }

  static Check check(Precision precision, SelfTest.Settings settings) {
    LargeLogits large = new LargeLogits(precision, settings.seed());
    return new Check(
        CheckNames.LARGE_LOGITS,
        precision,
        on -> settings.quick() ? new Skipped("too large for " + setting("quick")) : large.on(on));
  }

  private ClassifierOps ops(Device device, int rows) {
    DType weights = device.weightCopies(precision).orElse(precision.parameters());
    return ClassifierOps.of(rows, precision.storage(), weights);
  }

  private Finding on(Device device) {
    try (Laid small = new Laid(device, PERIOD)) {
      double seconds = small.seconds() * REPEATS;
      if (seconds > MOST_SECONDS) {
        return new Skipped(
            String.format(
                Locale.ROOT,
                "the device would take %.0f s, by a %dth part of it",
                seconds,
                REPEATS));
      }
    }
    double needed = Laid.bytes(device, ops(device, PERIOD * REPEATS));
    double there = device.info().memoryBytes();
    if (needed > there) {
      return new Skipped(
          String.format(
              Locale.ROOT, "needs %.1f GB and the device has %.1f GB", needed / 1e9, there / 1e9));
    }
    Laid laid;
    try {
      laid = new Laid(device, PERIOD * REPEATS);
    } catch (Failure e) {
      if (e.exitCode() == ExitCode.FAILED) {
        // It has not so much memory, or not in one piece.
        return new Skipped(e.unspelled());
      }
      throw e;
    }
    try (Laid large = laid) {
      large.program.run();
      Map<String, double[]> right = reference(device);
      return large.ops.results().stream()
          .map(op -> measured(op, right, large.read(op.writes().getFirst())))
          .reduce(Measured::worse)
          .orElseThrow();
    }
  }

  /** The ops on some rows, in a device's memory. */
  private final class Laid implements AutoCloseable {
    final ClassifierOps ops;
    final Program program;
    private final Device device;
    private final ArenaLayout layout;
    private final Memory inputs;
    private final Memory none;

    Laid(Device device, int rows) {
      this.device = device;
      ops = LargeLogits.this.ops(device, rows);
      layout = ArenaLayout.sequential(Arena.INPUTS, ops.tensors());
      inputs = device.allocate(Arena.INPUTS, layout.bytes());
      none = device.allocate(Arena.ACTIVATIONS, 64);
      try {
        program =
            device.compile(
                plan(ops, layout), Map.of(Arena.INPUTS, inputs, Arena.ACTIVATIONS, none));
        ops.given().forEach(this::write);
      } catch (RuntimeException e) {
        inputs.close();
        none.close();
        throw e;
      }
    }

    private static Plan plan(ClassifierOps ops, ArenaLayout layout) {
      return Plan.of("large logits", ops.all(), List.of(), List.of(layout));
    }

    static double bytes(Device device, ClassifierOps ops) {
      ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, ops.tensors());
      return (double) layout.bytes() + device.workspaceBytes(plan(ops, layout));
    }

    /** Of the second run, since the first one may do more. */
    double seconds() {
      program.run();
      long start = System.nanoTime();
      program.run();
      return (System.nanoTime() - start) / 1e9;
    }

    private void write(Tensor tensor) {
      try (var host = java.lang.foreign.Arena.ofConfined()) {
        MemorySegment segment = host.allocate(tensor.bytes(), 64);
        for (int i = 0; i < tensor.elements(); i++) {
          Elements.set(segment, tensor.dtype(), i, value(tensor, i));
        }
        device.copyIn(inputs, place(tensor), segment);
      }
    }

    float[] read(Tensor tensor) {
      float[] values = new float[Math.toIntExact(tensor.elements())];
      try (var host = java.lang.foreign.Arena.ofConfined()) {
        MemorySegment segment = host.allocate(tensor.bytes(), 64);
        device.copyOut(inputs, place(tensor), segment);
        for (int i = 0; i < values.length; i++) {
          values[i] = Elements.get(segment, tensor.dtype(), i);
        }
      }
      return values;
    }

    private long place(Tensor tensor) {
      return requireNonNull(layout.offsets().get(tensor));
    }

    @Override
    public void close() {
      program.close();
      inputs.close();
      none.close();
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
  private Map<String, double[]> reference(Device device) {
    ClassifierOps ops = ops(device, PERIOD);
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
}
