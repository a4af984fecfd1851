package dev.anneal.eval;

import dev.anneal.random.Philox;
import dev.anneal.training.Trainer;

/**
 * Batches of tokens and targets that are a function of a seed, for steps that nobody trains with.
 */
public final class RandomTokens {
  private RandomTokens() {}

  /** Tokens below {@code vocabulary}. */
  public static Trainer.Batches of(int vocabulary, long seed) {
    return (index, tokens, targets) -> {
      for (int i = 0; i < tokens.length; i++) {
        long bits = Philox.bits(seed, Philox.Purpose.TEST, (int) index, i, 0);
        tokens[i] = (int) Long.remainderUnsigned(bits, vocabulary);
        targets[i] = (int) Long.remainderUnsigned(bits >>> 20, vocabulary);
      }
    };
  }
}
