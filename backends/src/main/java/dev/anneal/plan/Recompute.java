package dev.anneal.plan;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Trades arithmetic for memory: chosen activations are forgotten after the forward pass and
 * computed again when the backward pass first needs them. The same ops on the same inputs give the
 * same bits.
 *
 * <p>Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.
 */
public enum Recompute implements Rewrite {
  /** Every activation is kept. */
  NONE,
  /** GELU outputs, 4C per token and layer, are computed again. */
  GELU,
  /** Only what one block hands to the next is kept; all within a block is computed again. */
  BLOCK;

  @Override
  public List<Op> apply(List<Op> ops) {
    return switch (this) {
      case NONE -> ops;
      case GELU -> recomputing(ops, geluOutputs(ops));
      case BLOCK -> recomputing(ops, insideBlocks(ops));
    };
  }

  private static Set<Tensor> geluOutputs(List<Op> ops) {
    Set<Tensor> outputs = new HashSet<>();
    for (Op op : ops) {
      if (op instanceof Op.GeluForward gelu) {
        outputs.add(gelu.out());
      }
    }
    return outputs;
  }

  /** Activations of a block that no forward op outside that block reads. */
  private static Set<Tensor> insideBlocks(List<Op> ops) {
    Set<Tensor> inside = new HashSet<>();
    List<Op> forward = forwardPart(ops);
    for (Op op : forward) {
      if (!(op instanceof Op.Gradient)) {
        collectBlockTensors(op, inside);
      }
    }
    for (Op op : forward) {
      Optional<Integer> reader = op.writes().getFirst().block();
      op.reads().stream().filter(t -> !t.block().equals(reader)).forEach(inside::remove);
    }
    return inside;
  }

  private static void collectBlockTensors(Op op, Set<Tensor> inside) {
    for (Tensor tensor : op.writes()) {
      if (tensor.arena() == Arena.ACTIVATIONS && tensor.block().isPresent()) {
        inside.add(tensor);
      }
    }
  }

  /** The ops before the first that only a backward pass has. */
  private static List<Op> forwardPart(List<Op> ops) {
    for (int i = 0; i < ops.size(); i++) {
      if (!(ops.get(i) instanceof Op.Forward)) {
        return ops.subList(0, i);
      }
    }
    return ops;
  }

  private static List<Op> recomputing(List<Op> ops, Set<Tensor> forgotten) {
    int backward = forwardPart(ops).size();
    Map<Tensor, Op> producers = new HashMap<>();
    ops.subList(0, backward)
        .forEach(op -> op.writes().forEach(tensor -> producers.put(tensor, op)));
    List<Op> rewritten = new ArrayList<>(ops.subList(0, backward));
    Map<Tensor, Tensor> again = new HashMap<>();
    for (Op op : ops.subList(backward, ops.size())) {
      for (Tensor tensor : op.reads()) {
        if (forgotten.contains(tensor)) {
          computeAgain(tensor, forgotten, producers, again, rewritten);
        }
      }
      rewritten.add(op.mapTensors(tensor -> again.getOrDefault(tensor, tensor)));
    }
    return List.copyOf(rewritten);
  }

  private static void computeAgain(
      Tensor tensor,
      Set<Tensor> forgotten,
      Map<Tensor, Op> producers,
      Map<Tensor, Tensor> again,
      List<Op> rewritten) {
    if (again.containsKey(tensor)) {
      return;
    }
    Op producer = requireNonNull(producers.get(tensor));
    for (Tensor input : producer.reads()) {
      if (forgotten.contains(input)) {
        computeAgain(input, forgotten, producers, again, rewritten);
      }
    }
    for (Tensor output : producer.writes()) {
      again.put(output, output.like(output.name() + "'", output.arena()));
    }
    rewritten.add(producer.mapTensors(t -> again.getOrDefault(t, t)));
  }
}
