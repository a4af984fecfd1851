package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SequencedMap;

/** What another program computed for one batch of a model: logits, the loss, and gradients. */
public interface ReferenceState extends ParameterSource, AutoCloseable {
  /** B. */
  int batch();

  /** T. */
  int sequence();

  /** x, (B,T). */
  int[] tokens();

  /** y, (B,T). */
  int[] targets();

  /** Nats per token. */
  float loss();

  /** Fills {@code floats} with the logits (B,T,V) from element {@code first} on. */
  void readLogits(long first, MemorySegment floats);

  /** The parameters whose gradients there are, by the names that a report of them has. */
  SequencedMap<String, List<String>> gradients();

  @Override
  void close();

  /**
   * Refuses a token that the model does not have.
   *
   * @param what the token is, in a word
   */
  static void requireTokens(Object file, int[] tokens, int vocabulary, String what) {
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw Failure.failed(
            "cannot use %s: it has the %s %d, outside the vocabulary of %d"
                .formatted(file, what, token, vocabulary));
      }
    }
  }
}
