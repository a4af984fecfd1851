package dev.anneal.eval;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Times single ops on a device, each as a plan of its own on random numbers: warm-up, then the
 * median of enough runs. The device's limits are measured in the same way: arithmetic by its best
 * matrix product, bandwidth by a sum of arrays that no cache holds.
 */
public final class OpBench {
  private static final double WARMUP_SECONDS = 0.3;
  private static final double SECONDS = 0.6;
  private static final int MIN_RUNS = 5;

  /** However few runs that is: plain versions of large products take seconds. */
  private static final double MOST_SECONDS = 2;

  private static final int MAX_RUNS = 2000;

  /** Rows and columns of the products that the limit is measured with. */
  private static final int SMALLEST = 1024;

  private static final int LARGEST = 8192;

  /** The time that one product may take; it is made a dozen times. */
  private static final double MOST_NANOS = 0.1e9;

  /** Floats of each of three arrays, 256 MB. */
  private static final int STREAM = 1 << 26;

  private final Device device;
  private final Multiplication multiplication;

  /**
   * @param multiplication of matrices of fp32
   */
  public OpBench(Device device, Multiplication multiplication) {
    this.device = device;
    this.multiplication = multiplication;
  }

  /**
   * How long an op takes.
   *
   * @param nanos the median
   * @param spread the middle half of the runs, as a share of the median
   */
  public record Timing(Op op, double nanos, double spread) {
    /** Floating-point operations per nanosecond: GFLOP/s. */
    public double gigaflops() {
      return op.flops() / nanos;
    }

    /** Bytes of all tensors, each moved once, per nanosecond: GB/s. */
    public double gigabytes() {
      return op.bytes() / nanos;
    }
  }

  /**
   * What the device can do.
   *
   * @param gigaflops of the best matrix product
   * @param gigabytes per second of the sum of large arrays
   */
  public record Limits(double gigaflops, double gigabytes) {
    /** The least time that {@code op} can take, in nanoseconds. */
    public double nanos(Op op) {
      return op.arithmetic().isProduct()
          ? Math.max(op.flops() / gigaflops, op.bytes() / gigabytes)
          : op.bytes() / gigabytes;
    }
  }

  /**
   * Measures them.
   *
   * @param dtype of what is multiplied and added
   */
  public Limits limits(DType dtype) {
    double product =
        Stream.of(product(dtype, 256, 768, 3072), product(dtype, 512, 512, 4096))
            .mapToDouble(op -> time(op).gigaflops())
            .max()
            .orElseThrow();
    // Larger ones keep a fast device busier, up to what a second and the memory allow.
    for (int n = SMALLEST; n <= LARGEST; n *= 2) {
      Op op = product(dtype, n, n, n);
      boolean fits = op.bytes() < device.info().memoryBytes() / 4.0;
      if (n > SMALLEST && (op.flops() / product > MOST_NANOS || !fits)) {
        break;
      }
      product = Math.max(product, time(op).gigaflops());
    }
    Shape shape = Shape.of(STREAM);
    Timing stream =
        time(
            new Op.Add(
                input("out", dtype, shape), input("a", dtype, shape), input("b", dtype, shape)));
    return new Limits(product, stream.gigabytes());
  }

  private static Op product(DType dtype, int m, int k, int n) {
    return new Op.MatmulBackwardWeight(
        input("dWeight", DType.F32, Shape.of(n, k)),
        input("dOut", dtype, Shape.of(m, n)),
        input("in", dtype, Shape.of(m, k)),
        false);
  }

  private static Tensor input(String name, DType dtype, Shape shape) {
    return new Tensor(name, dtype, shape, Arena.INPUTS);
  }

  /** One op with all of its tensors in one arena, in the order given. */
  Plan alone(Op original) {
    Op op = original.mapTensors(t -> new Tensor(t.name(), t.dtype(), t.shape(), Arena.INPUTS));
    ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, op.tensors());
    return Plan.of("bench", List.of(op), List.of(), List.of(layout)).with(multiplication);
  }

  /** Times one op. */
  public Timing time(Op original) {
    Plan plan = alone(original);
    Op op = plan.ops().getFirst();
    ArenaLayout layout = requireNonNull(plan.layout().arenas().get(Arena.INPUTS));
    try (Memory inputs = device.allocate(Arena.INPUTS, layout.bytes());
        Memory activations = device.allocate(Arena.ACTIVATIONS, 64)) {
      layout.offsets().forEach((tensor, offset) -> fill(inputs, tensor, offset));
      Map<Arena, Memory> memory = new EnumMap<>(Arena.class);
      memory.put(Arena.INPUTS, inputs);
      memory.put(Arena.ACTIVATIONS, activations);
      try (Program program = device.compile(plan, memory)) {
        runFor(program, WARMUP_SECONDS);
        double[] nanos = runFor(program, SECONDS);
        return new Timing(op, median(nanos), spread(nanos));
      }
    }
  }

  static double median(double[] sorted) {
    return sorted[sorted.length / 2];
  }

  /** The middle half of the runs, as a share of the median. */
  static double spread(double[] sorted) {
    return (sorted[sorted.length * 3 / 4] - sorted[sorted.length / 4]) / median(sorted);
  }

  /** Nanoseconds of each run, sorted. */
  static double[] runFor(Program program, double seconds) {
    double[] nanos = new double[MAX_RUNS];
    long begin = System.nanoTime();
    int runs = 0;
    double passed = 0;
    while (runs == 0 || runs < MAX_RUNS && passed < (runs < MIN_RUNS ? MOST_SECONDS : seconds)) {
      nanos[runs++] = program.runTimed();
      passed = (System.nanoTime() - begin) / 1e9;
    }
    double[] sorted = Arrays.copyOf(nanos, runs);
    Arrays.sort(sorted);
    return sorted;
  }

  /** Small random numbers; integers, which are token ids, are 0 to 6. */
  private void fill(Memory memory, Tensor tensor, long offset) {
    int chunk = (int) Math.min(tensor.elements(), 1 << 16);
    try (var host = java.lang.foreign.Arena.ofConfined()) {
      DType dtype = tensor.dtype();
      MemorySegment values = host.allocate((long) dtype.bytes() * chunk, 8);
      for (int i = 0; i < chunk; i++) {
        long bits = Philox.bits(1, Philox.Purpose.TEST, 0, i, 0);
        double value = dtype == DType.I32 ? (bits >>> 1) % 7 : Philox.uniform(bits) * 0.2 + 0.01;
        Elements.set(values, dtype, i, (float) value);
      }
      for (long from = 0; from < tensor.elements(); from += chunk) {
        long count = Math.min(chunk, tensor.elements() - from);
        device.copyIn(
            memory, offset + dtype.bytes() * from, values.asSlice(0, dtype.bytes() * count));
      }
    }
  }

  /** The ops of {@code plan}, and those that a chunked classifier is made of in its place. */
  public static List<Op> parts(Plan plan) {
    return plan.ops().stream().flatMap(OpBench::parts).toList();
  }

  static Stream<Op> parts(Op op) {
    return op instanceof Op.Classifier classifier
        ? ClassifierChunks.of(classifier).ops().stream()
        : Stream.of(op);
  }

  /** Those of {@code ops} that differ in kind or shape, and how often each occurs. */
  public static Map<Op, Integer> distinct(List<Op> ops) {
    Map<String, Op> first = new LinkedHashMap<>();
    Map<Op, Integer> counts = new LinkedHashMap<>();
    for (Op op : ops) {
      String key = op.kind() + op.tensors().stream().map(Tensor::shape).toList();
      Op representative = first.computeIfAbsent(key, k -> op);
      counts.merge(representative, 1, Integer::sum);
    }
    return counts;
  }
}
