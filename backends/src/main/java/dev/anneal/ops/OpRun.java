package dev.anneal.ops;

import dev.anneal.device.Device;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Tensor;
import dev.anneal.plan.WeightCopies;
import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import dev.anneal.reference.Tolerance;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * A few ops, mostly one, on random input, on any device and in the reference. What they only write
 * starts as NaN, so that an element which is left unwritten shows.
 */
public final class OpRun {
  private static final long SEED = 11;

  private final List<Op> original;
  private final List<Op> ops;
  private final int integersBelow;
  private final Multiplication multiplication;
  private final long seed;

  /** What tensors have before, by number: a run is repeated for every version of a kernel. */
  private final Map<Integer, float[]> drawn = new ConcurrentHashMap<>();

  /**
   * @param integersBelow integers, such as tokens, are smaller
   */
  public OpRun(List<Op> original, int integersBelow) {
    this(original, integersBelow, Multiplication.EXACT, SEED);
  }

  private OpRun(List<Op> original, int integersBelow, Multiplication multiplication, long seed) {
    this.multiplication = multiplication;
    this.seed = seed;
    this.original = original;
    this.ops =
        original.stream()
            .map(op -> op.mapTensors(t -> new Tensor(t.name(), t.dtype(), t.shape(), Arena.INPUTS)))
            .toList();
    this.integersBelow = integersBelow;
  }

  public OpRun(Op op, int integersBelow) {
    this(List.of(op), integersBelow);
  }

  /** The same with the tensors of {@link Arena#ACTIVATIONS} as {@code precision} stores them. */
  public OpRun stored(Precision precision) {
    return with(precision.apply(original));
  }

  /** The same with copies of what is in {@link Arena#PARAMETERS}, made anew after an update. */
  public OpRun copied(DType dtype) {
    return with(new WeightCopies(dtype).apply(original));
  }

  /** The same with tensors in 8 bits whose names begin with {@code e4m3} or {@code e5m2}. */
  public OpRun eightBits(DType e4m3, DType e5m2) {
    UnaryOperator<Tensor> narrow =
        t ->
            t.name().startsWith("e4m3")
                ? new Tensor(t.name(), e4m3, t.shape(), t.arena())
                : t.name().startsWith("e5m2")
                    ? new Tensor(t.name(), e5m2, t.shape(), t.arena())
                    : t;
    return with(
        original.stream()
            .map(op -> op.mapTensors(narrow))
            .map(
                op ->
                    op instanceof Op.Quantize q && q.format() == DType.F8E4M3
                        ? new Op.Quantize(q.out(), q.transposed(), q.scale(), q.in(), e4m3)
                        : op instanceof Op.Quantize q
                            ? new Op.Quantize(q.out(), q.transposed(), q.scale(), q.in(), e5m2)
                            : op)
            .toList());
  }

  /** This run with products that are multiplied as {@code other} says. */
  public OpRun multiplying(Multiplication other) {
    return new OpRun(original, integersBelow, other, seed);
  }

  /** This run on other random input. */
  public OpRun seeded(long other) {
    return new OpRun(original, integersBelow, multiplication, other);
  }

  private OpRun with(List<Op> rewritten) {
    return new OpRun(rewritten, integersBelow, multiplication, seed);
  }

  public Multiplication multiplication() {
    return multiplication;
  }

  Tolerance tolerance() {
    return Tolerance.of(op(), multiplication);
  }

  /** All ops in order. */
  public List<Op> ops() {
    return ops;
  }

  /** The op that is tested; those before it compute what it needs. */
  public Op op() {
    return ops.getLast();
  }

  /** The most ops that follow from each other: so often is a result rounded on its way. */
  int depth() {
    Map<Tensor, Integer> depths = new HashMap<>();
    for (Op op : ops) {
      int deepest = op.reads().stream().mapToInt(t -> depths.getOrDefault(t, 0)).max().orElse(0);
      op.writes().forEach(tensor -> depths.put(tensor, deepest + 1));
    }
    return depths.values().stream().mapToInt(depth -> depth).max().orElse(1);
  }

  /** The tensors that the ops write, which are compared. */
  public List<Tensor> results() {
    return ops.stream().flatMap(op -> op.writes().stream()).distinct().toList();
  }

  @Override
  public String toString() {
    return op().kind()
        + op().tensors().stream().map(Tensor::toString).collect(Collectors.joining(" ", " ", ""));
  }

  List<Tensor> tensors() {
    return ops.stream().flatMap(op -> op.tensors().stream()).distinct().toList();
  }

  /** Whether an op needs a value that no op before it has written. */
  private boolean isInput(Tensor tensor) {
    for (Op op : ops) {
      boolean accumulates = op instanceof Op.ParameterGradient g && g.accumulate();
      if (op.reads().contains(tensor) || (accumulates && op.writes().contains(tensor))) {
        return true;
      }
      if (op.writes().contains(tensor)) {
        return false;
      }
    }
    return false;
  }

  /** What {@code tensor}, number {@code index} of all, has before; NaN in what is only written. */
  float[] input(Tensor tensor, int index) {
    return drawn.computeIfAbsent(index, i -> draw(tensor, i));
  }

  private float[] draw(Tensor tensor, int index) {
    float[] values = new float[(int) tensor.elements()];
    boolean isInput = isInput(tensor);
    for (int i = 0; i < values.length; i++) {
      long bits = Philox.bits(seed, Philox.Purpose.TEST, index, i, 0);
      if (!isInput) {
        values[i] = Float.NaN;
      } else if (tensor.dtype() == DType.I32) {
        values[i] = (int) ((bits >>> 1) % integersBelow);
      } else if (tensor.name().startsWith("positive")) {
        values[i] = tensor.dtype().round((float) (0.1 + Philox.uniform(bits)));
      } else if (tensor.name().startsWith("overflowed") && bits % 2 == 0) {
        values[i] = Float.NEGATIVE_INFINITY;
      } else if (tensor.name().startsWith("large")) {
        values[i] = tensor.dtype().round((float) (4 + Philox.uniform(bits)));
      } else {
        values[i] = tensor.dtype().round((float) Philox.normal(bits));
      }
    }
    return values;
  }

  /** The results in double precision. */
  public Map<Tensor, double[]> reference() {
    ReferenceInterpreter run = new ReferenceInterpreter();
    List<Tensor> tensors = tensors();
    for (int t = 0; t < tensors.size(); t++) {
      if (isInput(tensors.get(t))) {
        float[] values = input(tensors.get(t), t);
        double[] start = run.get(tensors.get(t));
        for (int i = 0; i < values.length; i++) {
          start[i] = values[i];
        }
      }
    }
    run.run(ops);
    Map<Tensor, double[]> results = new HashMap<>();
    results().forEach(tensor -> results.put(tensor, run.get(tensor)));
    return results;
  }

  /** The results on {@code device}. */
  public Map<Tensor, float[]> on(Device device) {
    try (OpTrial trial = new OpTrial(this, device)) {
      return trial.run();
    }
  }
}
