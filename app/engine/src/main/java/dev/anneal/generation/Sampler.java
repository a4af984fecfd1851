package dev.anneal.generation;

import dev.anneal.random.Philox;
import java.util.Arrays;

/**
 * Draws tokens: p = softmax(logits / temperature), cut to the top k and to the nucleus of mass p,
 * inverted at a uniform number that depends on the seed and the token's index alone.
 *
 * <p>Source of the nucleus: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020.
 */
public final class Sampler {
  private final SamplingSettings settings;
  private final int vocabulary;
  private final long[] order;
  private final double[] weights;

  public Sampler(SamplingSettings settings, int vocabulary) {
    this.settings = settings;
    this.vocabulary = vocabulary;
    this.order = new long[vocabulary];
    this.weights = new double[vocabulary];
  }

  /** The {@code index}-th token of a text whose next-token logits are {@code logits}. */
  public int draw(float[] logits, long index) {
    if (settings.temperature() == 0) {
      return likeliest(logits);
    }
    boolean cut = settings.topK() > 0 || settings.topP() < 1;
    for (int i = 0; i < vocabulary; i++) {
      order[i] = descending(logits[i]) << 32 | i;
    }
    int candidates = vocabulary;
    if (cut) {
      Arrays.sort(order, 0, vocabulary);
      candidates = settings.topK() > 0 ? Math.min(settings.topK(), vocabulary) : vocabulary;
    }
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < candidates; i++) {
      max = Math.max(max, logits[(int) order[i]]);
    }
    double sum = 0;
    for (int i = 0; i < candidates; i++) {
      weights[i] = StrictMath.exp((logits[(int) order[i]] - max) / settings.temperature());
      sum += weights[i];
    }
    if (settings.topP() < 1) {
      double wanted = settings.topP() * sum;
      double mass = 0;
      int kept = 0;
      while (kept < candidates && mass < wanted) {
        mass += weights[kept++];
      }
      candidates = kept;
      sum = mass;
    }
    double target =
        sum * Philox.uniform(Philox.bits(settings.seed(), Philox.Purpose.SAMPLING, 0, index, 0));
    double mass = 0;
    for (int i = 0; i < candidates; i++) {
      mass += weights[i];
      if (target < mass) {
        return (int) order[i];
      }
    }
    return (int) order[candidates - 1];
  }

  private int likeliest(float[] logits) {
    int best = 0;
    for (int i = 1; i < vocabulary; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  /** A 32-bit key that sorts floats from large to small; equal ones stay in order of their id. */
  private static long descending(float value) {
    // Minus zero is as large as zero.
    int bits = Float.floatToIntBits(value + 0f);
    int ascending = bits ^ ((bits >> 31) & 0x7FFFFFFF);
    return ~ascending;
  }
}
