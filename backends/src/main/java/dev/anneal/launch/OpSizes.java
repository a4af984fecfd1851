package dev.anneal.launch;

import dev.anneal.plan.AttentionOps;
import dev.anneal.plan.Op;
import java.util.Optional;

/** Sizes of ops that versions of kernels are made for. */
final class OpSizes {
  private OpSizes() {}

  /** Channels of a head; nothing where there are no heads. */
  static Optional<Integer> headSize(Op op) {
    return op instanceof AttentionOps.WithHeads attention
        ? Optional.of(attention.headSize())
        : Optional.empty();
  }
}
