package dev.anneal.data;

/**
 * A sequence of token ids that can be read anywhere. One thread reads at a time. Ids are as they
 * were stored; {@link Batches} checks them against a model's vocabulary.
 */
public interface TokenSource {

  /** Short words for what it is, e.g. {@code corpus.txt, 338025 gpt2 tokens}. */
  String description();

  /** How many tokens there are. */
  long length();

  /**
   * Reads {@code count} tokens from {@code from} on into {@code into} at {@code offset}.
   *
   * @throws IndexOutOfBoundsException when there are not so many
   * @throws dev.anneal.failure.Failure when a file cannot be read
   */
  void read(long from, int[] into, int offset, int count);

  default void read(long from, int[] into) {
    read(from, into, 0, into.length);
  }

  /** V of the tokenizer that made it: ids are meant to be below it. */
  int vocabulary();

  /** Where the token at {@code position} comes from, to name in a failure. */
  String place(long position);

  /**
   * A short text that changes when the tokens do; a resumed run compares it, since other data under
   * the same name would silently break it.
   */
  String fingerprint();

  /** The tokens from {@code from} on, {@code length} of them. */
  default TokenSource range(String name, long from, long length) {
    return new TokenRange(this, name, from, length);
  }
}
