package dev.anneal.eval;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import dev.anneal.reference.Difference;
import dev.anneal.reference.Tolerance;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * One plan on two devices, op by op: each op of the second device gets the very inputs that the
 * first one has, and its outputs, which are NaN before, are held against the first one's. So the
 * errors of ops do not add up, and an element that a kernel leaves out is seen.
 */
public final class LockStep {
  private final Side reference;
  private final Side other;

  /** A device and its memory for the plan's arenas. */
  public record Side(Device device, Map<Arena, Memory> memory) {
    void run(Plan plan, Op op) {
      Plan single = plan.part("one op", List.of(op), op.writes());
      try (Program program = device.compile(single, memory)) {
        program.run();
      }
    }

    Memory of(Tensor tensor) {
      return requireNonNull(memory.get(tensor.arena()));
    }
  }

  /**
   * How far an op was off.
   *
   * @param index in the plan
   * @param tensor the result that was off the most
   */
  public record OpError(
      int index, Op op, Tensor tensor, Difference difference, Tolerance tolerance) {
    public boolean within() {
      return tolerance.holds(difference);
    }
  }

  public LockStep(Side reference, Side other) {
    this.reference = reference;
    this.other = other;
  }

  /**
   * Runs the plan; the reference is left as if it had run alone, at the other one's precision.
   *
   * @param plan of the reference
   * @param same the same ops on the other device, whose activations may be stored in fewer bits
   * @param which ops to compare; the others run on the reference only
   */
  public List<OpError> run(Plan plan, Plan same, Predicate<Op> which, BooleanSupplier cancelled) {
    List<OpError> errors = new ArrayList<>();
    try (TensorCopy expected = new TensorCopy(reference, plan);
        TensorCopy actual = new TensorCopy(other, same)) {
      roundWeights(plan, same, expected);
      for (int i = 0; i < plan.ops().size() && !cancelled.getAsBoolean(); i++) {
        Op op = plan.ops().get(i);
        Op twin = same.ops().get(i);
        boolean compared = which.test(op);
        if (compared) {
          prepare(op, twin, expected, actual);
        }
        reference.run(plan, op);
        if (compared) {
          other.run(same, twin);
          Tolerance tolerance = Tolerance.of(twin, same.multiplication());
          Given given = (t, from) -> actual.read(twin.writes().get(t), from);
          errors.add(compare(i, op, twin, tolerance, expected, given));
        }
        round(op, twin, expected);
      }
    }
    return errors;
  }

  /** One of the ways in which the other device can run an op. */
  interface Way {
    /** Runs the op in this way; whether the device did. */
    boolean run(Runnable op);

    /** How far it was off. */
    void found(OpError error);
  }

  /**
   * Runs the plan once on the reference, and each op on the other device in every way that there is
   * to: the reference may take a thousand times as long as an op does.
   */
  void runInAllWays(Plan plan, Plan same, Function<Op, List<Way>> ways, BooleanSupplier cancelled) {
    try (TensorCopy expected = new TensorCopy(reference, plan);
        TensorCopy actual = new TensorCopy(other, same)) {
      roundWeights(plan, same, expected);
      for (int i = 0; i < plan.ops().size() && !cancelled.getAsBoolean(); i++) {
        Op op = plan.ops().get(i);
        Op twin = same.ops().get(i);
        Map<Way, List<List<float[]>>> results = new LinkedHashMap<>();
        for (Way way : ways.apply(op)) {
          prepare(op, twin, expected, actual);
          if (way.run(() -> other.run(same, twin))) {
            results.put(way, twin.writes().stream().map(actual::all).toList());
          }
        }
        reference.run(plan, op);
        Tolerance tolerance = Tolerance.of(twin, same.multiplication());
        for (Map.Entry<Way, List<List<float[]>>> result : results.entrySet()) {
          Given given = (t, from) -> result.getValue().get(t).get((int) (from / TensorCopy.CHUNK));
          result.getKey().found(compare(i, op, twin, tolerance, expected, given));
        }
        round(op, twin, expected);
      }
    }
  }

  /** Copies what the op reads or adds to, and spoils what it only writes. */
  private static void prepare(Op op, Op twin, TensorCopy expected, TensorCopy actual) {
    boolean adds = op instanceof Op.ParameterGradient gradient && gradient.accumulate();
    // Spoiled first: a result may lie where an input is.
    twin.writes().forEach(actual::spoil);
    List<Tensor> tensors = op.tensors();
    for (int t = 0; t < tensors.size(); t++) {
      Tensor tensor = tensors.get(t);
      if (op.reads().contains(tensor) || adds && op.writes().contains(tensor)) {
        Tensor to = twin.tensors().get(t);
        for (long from = 0; from < tensor.elements(); from += TensorCopy.CHUNK) {
          actual.write(to, from, expected.read(tensor, from));
        }
      }
    }
  }

  /** What the other device stores in fewer bits, the reference keeps with as few. */
  private static void round(Op op, Op twin, TensorCopy expected) {
    for (int t = 0; t < op.writes().size(); t++) {
      round(op.writes().get(t), twin.writes().get(t).dtype(), expected);
    }
  }

  /** Parameters, and the copies of them that were made before the plan. */
  private static void roundWeights(Plan plan, Plan same, TensorCopy expected) {
    Map<Tensor, DType> weights = new HashMap<>();
    for (int i = 0; i < plan.ops().size(); i++) {
      List<Tensor> tensors = plan.ops().get(i).tensors();
      for (int t = 0; t < tensors.size(); t++) {
        Arena arena = tensors.get(t).arena();
        if (arena == Arena.WEIGHTS || arena == Arena.PARAMETERS) {
          weights.put(tensors.get(t), same.ops().get(i).tensors().get(t).dtype());
        }
      }
    }
    weights.forEach((tensor, stored) -> round(tensor, stored, expected));
  }

  private static void round(Tensor tensor, DType stored, TensorCopy expected) {
    if (stored != tensor.dtype()) {
      for (long from = 0; from < tensor.elements(); from += TensorCopy.CHUNK) {
        float[] values = expected.read(tensor, from);
        for (int i = 0; i < values.length; i++) {
          values[i] = stored.round(values[i]);
        }
        expected.write(tensor, from, values);
      }
    }
  }

  /** Results of the other device. */
  private interface Given {
    /** The elements of the op's result {@code t} from {@code from} on. */
    float[] read(int t, long from);
  }

  private static OpError compare(
      int index, Op op, Op twin, Tolerance tolerance, TensorCopy expected, Given actual) {
    Tensor worstTensor = op.writes().getFirst();
    Difference worst = Difference.NONE;
    for (int t = 0; t < op.writes().size(); t++) {
      Tensor tensor = op.writes().get(t);
      Tensor to = twin.writes().get(t);
      Difference.Sum sum = new Difference.Sum();
      for (long from = 0; from < tensor.elements(); from += TensorCopy.CHUNK) {
        float[] right = expected.read(tensor, from);
        float[] given = actual.read(t, from);
        for (int i = 0; i < right.length; i++) {
          sum.add(given[i], to.dtype().round(right[i]));
        }
      }
      Difference difference = sum.difference();
      if (tolerance.error(difference) > tolerance.error(worst)) {
        worstTensor = tensor;
      }
      worst = worst.worst(difference);
    }
    return new OpError(index, op, worstTensor, worst, tolerance);
  }
}
