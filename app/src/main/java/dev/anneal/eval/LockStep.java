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
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * One plan on two devices, op by op: each op of the second device gets the very inputs that the
 * first one has, and its outputs, which are NaN before, are held against the first one's. So the
 * errors of ops do not add up, and an element that a kernel leaves out is seen.
 */
final class LockStep {
  private static final int CHUNK = 1 << 22;

  private final Side reference;
  private final Side other;

  /** A device and its memory for the plan's arenas. */
  record Side(Device device, Map<Arena, Memory> memory) {
    void run(Plan plan, Op op) {
      Plan single = new Plan("one op", List.of(op), op.writes(), plan.layout());
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
  record OpError(int index, Op op, Tensor tensor, Difference difference, Tolerance tolerance) {
    boolean within() {
      return tolerance.holds(difference);
    }
  }

  LockStep(Side reference, Side other) {
    this.reference = reference;
    this.other = other;
  }

  /**
   * Runs the plan; the reference is left as if it had run alone.
   *
   * @param which ops to compare; the others run on the reference only
   */
  List<OpError> run(Plan plan, Predicate<Op> which, BooleanSupplier cancelled) {
    List<OpError> errors = new ArrayList<>();
    try (var host = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment ours = host.allocate(CHUNK, 64);
      MemorySegment theirs = host.allocate(CHUNK, 64);
      for (int i = 0; i < plan.ops().size() && !cancelled.getAsBoolean(); i++) {
        Op op = plan.ops().get(i);
        if (!which.test(op)) {
          reference.run(plan, op);
          continue;
        }
        prepare(plan, op, ours);
        reference.run(plan, op);
        other.run(plan, op);
        errors.add(compare(plan, i, ours, theirs));
      }
    }
    return errors;
  }

  /** Copies what the op reads or adds to, and spoils what it only writes. */
  private void prepare(Plan plan, Op op, MemorySegment buffer) {
    boolean adds = op instanceof Op.ParameterGradient gradient && gradient.accumulate();
    // Spoiled first: a result may lie where an input is.
    buffer.fill((byte) 0xff);
    for (Tensor tensor : op.writes()) {
      each(tensor, (from, count) -> put(plan, tensor, from, buffer.asSlice(0, count)));
    }
    for (Tensor tensor : op.tensors()) {
      if (op.reads().contains(tensor) || adds && op.writes().contains(tensor)) {
        each(
            tensor,
            (from, count) -> {
              MemorySegment part = buffer.asSlice(0, count);
              get(reference, plan, tensor, from, part);
              put(plan, tensor, from, part);
            });
      }
    }
  }

  private OpError compare(Plan plan, int index, MemorySegment expected, MemorySegment actual) {
    Op op = plan.ops().get(index);
    Tolerance tolerance = Tolerance.of(op);
    Tensor worstTensor = op.writes().getFirst();
    Difference worst = Difference.NONE;
    for (Tensor tensor : op.writes()) {
      if (tensor.dtype() != DType.F32) {
        continue;
      }
      Difference.Sum sum = new Difference.Sum();
      each(
          tensor,
          (from, count) -> {
            get(reference, plan, tensor, from, expected.asSlice(0, count));
            get(other, plan, tensor, from, actual.asSlice(0, count));
            for (long i = 0; i < count / 4; i++) {
              sum.add(
                  actual.getAtIndex(ValueLayout.JAVA_FLOAT, i),
                  expected.getAtIndex(ValueLayout.JAVA_FLOAT, i));
            }
          });
      Difference difference = sum.difference();
      if (tolerance.error(difference) > tolerance.error(worst)) {
        worstTensor = tensor;
      }
      worst = worst.worst(difference);
    }
    return new OpError(index, op, worstTensor, worst, tolerance);
  }

  private interface Part {
    void at(long from, long bytes);
  }

  private static void each(Tensor tensor, Part part) {
    for (long from = 0; from < tensor.bytes(); from += CHUNK) {
      part.at(from, Math.min(CHUNK, tensor.bytes() - from));
    }
  }

  private static void get(Side side, Plan plan, Tensor tensor, long from, MemorySegment into) {
    side.device().copyOut(side.of(tensor), plan.layout().offset(tensor) + from, into);
  }

  private void put(Plan plan, Tensor tensor, long from, MemorySegment bytes) {
    other.device().copyIn(other.of(tensor), plan.layout().offset(tensor) + from, bytes);
  }
}
