package dev.anneal.plan;

import java.util.List;

/**
 * A function from ops to ops that computes the same results: recomputation, accumulation, a fusion.
 * Applied before the ops are laid out in memory.
 */
@FunctionalInterface
public interface Rewrite {

  List<Op> apply(List<Op> ops);

  /** Every parameter gradient is added to what is there, as all micro-steps but the first need. */
  static List<Op> accumulateGradients(List<Op> ops) {
    return ops.stream()
        .map(op -> op instanceof Op.ParameterGradient gradient ? gradient.accumulating() : op)
        .toList();
  }
}
