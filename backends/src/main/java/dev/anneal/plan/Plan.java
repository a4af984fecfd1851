package dev.anneal.plan;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A step as data: ops in order, and a place in memory for every tensor, fixed before the first run.
 *
 * @param results the activations that can be read after a run
 */
public record Plan(String name, List<Op> ops, List<Tensor> results, MemoryLayout layout) {

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
    return new Plan(name, ops, results, MemoryLayout.of(ops, results, persistent));
  }

  /** All tensors, each once, in order of first use. */
  public List<Tensor> tensors() {
    return ops.stream().flatMap(op -> op.tensors().stream()).distinct().toList();
  }

  public long flops() {
    return ops.stream().mapToLong(Op::flops).sum();
  }
}
