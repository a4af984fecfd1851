package dev.anneal.plan;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * When each activation is alive: from the op that first writes it to the last op that touches it,
 * by op index. Tensors that may share their memory in place are joined into one {@link Buffer}.
 */
final class Lifetimes {

  /** Tensors that share one place, alive from op {@code first} to op {@code last} inclusive. */
  record Buffer(List<Tensor> tensors, int first, int last, long bytes) {
    boolean overlaps(Buffer other) {
      return first <= other.last && other.first <= last;
    }
  }

  private Lifetimes() {}

  /** The buffers of {@code ops}; {@code results} stay alive to the end. */
  static List<Buffer> of(List<Op> ops, Collection<Tensor> results) {
    Map<Tensor, Integer> last = new HashMap<>();
    for (int i = 0; i < ops.size(); i++) {
      for (Tensor tensor : ops.get(i).tensors()) {
        last.put(tensor, i);
      }
    }
    results.forEach(tensor -> last.put(tensor, ops.size()));

    Map<Tensor, List<Tensor>> group = new HashMap<>();
    List<List<Tensor>> groups = new ArrayList<>();
    Map<Tensor, Integer> first = new HashMap<>();
    for (int i = 0; i < ops.size(); i++) {
      Op op = ops.get(i);
      for (Tensor tensor : op.reads()) {
        if (tensor.arena() == Arena.ACTIVATIONS && !first.containsKey(tensor)) {
          throw new IllegalArgumentException(
              op.kind() + " (op " + i + ") reads " + tensor + " before any op writes it");
        }
      }
      for (Tensor tensor : op.writes()) {
        if (tensor.arena() != Arena.ACTIVATIONS || first.containsKey(tensor)) {
          continue;
        }
        first.put(tensor, i);
        Optional<List<Tensor>> taken = Optional.empty();
        if (tensor.equals(op.writes().getFirst())) {
          for (Tensor old : op.overwritable()) {
            if (old.arena() == Arena.ACTIVATIONS
                && requireNonNull(last.get(old)) == i
                && old.bytes() == tensor.bytes()
                && requireNonNull(group.get(old)).getLast().equals(old)) {
              taken = Optional.ofNullable(group.get(old));
              break;
            }
          }
        }
        List<Tensor> place = taken.orElseGet(ArrayList::new);
        if (taken.isEmpty()) {
          groups.add(place);
        }
        place.add(tensor);
        group.put(tensor, place);
      }
    }
    return groups.stream()
        .map(
            tensors ->
                new Buffer(
                    List.copyOf(tensors),
                    requireNonNull(first.get(tensors.getFirst())),
                    requireNonNull(last.get(tensors.getLast())),
                    ArenaLayout.aligned(tensors.getFirst().bytes())))
        .toList();
  }
}
