package dev.anneal.cpu;

import dev.anneal.plan.Op;

/** The CPU's kernel for each op. */
final class CpuKernels {
  private CpuKernels() {}

  static Kernel of(Op op, Kernel.Addresses at) {
    return switch (op) {
      case Op.Fill f -> Fill.kernel(f, at);
      default -> throw new UnsupportedOperationException(op.kind());
    };
  }
}
