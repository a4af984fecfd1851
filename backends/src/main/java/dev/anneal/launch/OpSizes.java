package dev.anneal.launch;

import dev.anneal.plan.Op;
import java.util.Optional;

/** Sizes of ops that versions of kernels are made for. */
final class OpSizes {
  private OpSizes() {}

  /** Channels of a head; nothing where there are no heads. */
  static Optional<Integer> headSize(Op op) {
    return op instanceof Op.AttentionForward o
        ? Optional.of(o.out().shape().dim(2) / o.heads())
        : op instanceof Op.AttentionBackward o
            ? Optional.of(o.out().shape().dim(2) / o.heads())
            : Optional.empty();
  }
}
