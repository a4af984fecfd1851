package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;

/**
 * Batches of windows: a window is T tokens and, one further, their targets. Window i begins at
 * token i*T, so n = (length - 1) / T windows cover the source. Which window is sample g of a run is
 * a function of the seed and g alone; nothing has to be saved to resume. One thread at a time.
 */
public final class Batches {

  /** The order of windows. */
  public sealed interface Order {
    /** Epoch g / n, and in it the window that a permutation of (seed, epoch) sends g % n to. */
    record Shuffled(long seed) implements Order {}

    /** Window g % n. */
    record Sequential() implements Order {}
  }

  private final TokenSource source;
  private final int vocabulary;
  private final int batch;
  private final int sequence;
  private final Order order;
  private final long windows;
  private final int[] window;

  private Batches(TokenSource source, int vocabulary, int batch, int sequence, Order order) {
    this.source = source;
    this.vocabulary = vocabulary;
    this.batch = batch;
    this.sequence = sequence;
    this.order = order;
    this.windows = Math.max(0, source.length() - 1) / sequence;
    this.window = new int[sequence + 1];
  }

  /**
   * Batches to train on.
   *
   * @param vocabulary V of the model
   * @throws Failure when the source has fewer than B*T + 1 tokens
   */
  public static Batches shuffled(
      TokenSource source, int vocabulary, int batch, int sequence, long seed) {
    Batches batches = new Batches(source, vocabulary, batch, sequence, new Order.Shuffled(seed));
    batches.requireWindows(batch);
    return batches;
  }

  /**
   * Batches to evaluate on; a source with fewer than B windows is gone through again to fill one.
   *
   * @throws Failure when the source has fewer than T + 1 tokens
   */
  public static Batches sequential(TokenSource source, int vocabulary, int batch, int sequence) {
    Batches batches = new Batches(source, vocabulary, batch, sequence, new Order.Sequential());
    batches.requireWindows(1);
    return batches;
  }

  private void requireWindows(long needed) {
    if (windows < needed) {
      throw Failure.failed(
          "%s has %d tokens; %d sequences of %d and the token after need at least %d;"
                  .formatted(
                      source.description(),
                      source.length(),
                      needed,
                      sequence,
                      needed * sequence + 1)
              + " give more text, or lower "
              + setting("batch")
              + " or "
              + setting("seq"));
    }
  }

  public TokenSource source() {
    return source;
  }

  /** n: the windows of one epoch. */
  public long windows() {
    return windows;
  }

  /** Whole batches in one epoch, and at least one. */
  public long perEpoch() {
    return Math.max(1, windows / batch);
  }

  /**
   * Fills {@code tokens} and {@code targets}, both (B,T), with batch {@code index}: samples index*B
   * to index*B + B - 1.
   *
   * @throws Failure when a token is outside the vocabulary; the message says where it is
   */
  public void fill(long index, int[] tokens, int[] targets) {
    long first = Math.multiplyExact(index, batch);
    for (int b = 0; b < batch; b++) {
      long from = window(first + b) * sequence;
      source.read(from, window);
      for (int t = 0; t <= sequence; t++) {
        requireInVocabulary(window[t], from + t);
      }
      System.arraycopy(window, 0, tokens, b * sequence, sequence);
      System.arraycopy(window, 1, targets, b * sequence, sequence);
    }
  }

  /** The window that is sample {@code g} of a run. */
  long window(long g) {
    return switch (order) {
      case Order.Sequential() -> g % windows;
      case Order.Shuffled(long seed) ->
          Permutation.of(seed, Math.toIntExact(g / windows), windows, g % windows);
    };
  }

  private void requireInVocabulary(int token, long position) {
    if (token < 0 || token >= vocabulary) {
      throw Failure.failed(
          "%s is %s, outside the model's vocabulary of %d; use data and a tokenizer that fit it"
              .formatted(source.place(position), Integer.toUnsignedString(token), vocabulary));
    }
  }
}
