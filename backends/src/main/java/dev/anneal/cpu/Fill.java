package dev.anneal.cpu;

import dev.anneal.plan.Op;

/** out = value. Writes 4 bytes per element. */
final class Fill {
  private Fill() {}

  static Kernel kernel(Op.Fill op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long n = op.out().elements();
    return Kernel.of(
        1,
        (task, worker) -> {
          for (long i = 0; i < n; i++) {
            Ram.set(out + 4 * i, op.value());
          }
        });
  }
}
