package dev.anneal.plan;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A step as data: ops in order, and a place in memory for every tensor, fixed before the first run.
 *
 * @param results the activations that can be read after a run
 * @param multiplication of matrices of fp32
 */
public record Plan(
    String name,
    List<Op> ops,
    List<Tensor> results,
    MemoryLayout layout,
    Multiplication multiplication) {

  public Plan {
    ops = List.copyOf(ops);
    results = List.copyOf(results);
  }

  /**
   * Lays out {@code ops} in memory.
   *
   * @param persistent where the tensors outside {@link Arena#ACTIVATIONS} lie
   * @throws IllegalArgumentException when a tensor is read before it is written, has no place, or
   *     shares its name with another
   */
  public static Plan of(
      String name, List<Op> ops, List<Tensor> results, Collection<ArenaLayout> persistent) {
    Map<String, Tensor> names = new HashMap<>();
    for (Op op : ops) {
      for (Tensor tensor : op.tensors()) {
        Tensor other = names.putIfAbsent(tensor.name(), tensor);
        if (other != null && !other.equals(tensor)) {
          throw new IllegalArgumentException(
              "two tensors are named " + tensor.name() + ": " + other + " and " + tensor);
        }
      }
    }
    MemoryLayout layout = MemoryLayout.of(ops, results, persistent);
    return new Plan(name, ops, results, layout, Multiplication.EXACT);
  }

  /** This plan with another multiplication. */
  public Plan with(Multiplication other) {
    return new Plan(name, ops, results, layout, other);
  }

  /** Some of this plan's ops, at the places that this plan gives their tensors. */
  public Plan part(String partName, List<Op> some, List<Tensor> partResults) {
    return new Plan(partName, some, partResults, layout, multiplication);
  }

  /** All tensors, each once, in order of first use. */
  public List<Tensor> tensors() {
    return ops.stream().flatMap(op -> op.tensors().stream()).distinct().toList();
  }

  public long flops() {
    return ops.stream().mapToLong(Op::flops).sum();
  }
}
