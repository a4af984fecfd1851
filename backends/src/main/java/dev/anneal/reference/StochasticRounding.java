package dev.anneal.reference;

import dev.anneal.plan.Bfloat16;
import dev.anneal.random.Philox;

/** A parameter's new value in bf16, up or down by chance, so that on average nothing is lost. */
final class StochasticRounding {
  private StochasticRounding() {}

  /**
   * Rounds {@code p}.
   *
   * @param random the low and the high half of the seed, and the step
   * @param stream which parameter it is
   */
  static void round(double[] p, double[] random, int stream) {
    long seed = (long) random[1] << 32 | (long) random[0] & 0xFFFFFFFFL;
    for (int i = 0; i < p.length; i++) {
      int bits =
          Philox.sixteenBits(seed, Philox.Purpose.STOCHASTIC_ROUNDING, stream, i, (int) random[2]);
      p[i] = Bfloat16.toFloat(Bfloat16.stochastic((float) p[i], bits));
    }
  }
}
