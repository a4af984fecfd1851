package dev.anneal.generation;

import java.util.Arrays;
import java.util.function.IntPredicate;

/** Continues a sequence of tokens with a {@link Decoder} and a {@link Sampler}. */
public final class Generator {
  private final Decoder decoder;
  private final int vocabulary;

  public Generator(Decoder decoder, int vocabulary) {
    this.decoder = decoder;
    this.vocabulary = vocabulary;
  }

  /**
   * Draws up to {@code count} tokens after {@code prompt}, which has at least one. When the context
   * is full, its later half becomes the context of what follows, so that any number of tokens takes
   * the memory of one context.
   *
   * @param onToken hears each token; false ends the text
   * @return the tokens drawn
   */
  public int generate(int[] prompt, int count, SamplingSettings settings, IntPredicate onToken) {
    Sampler sampler = new Sampler(settings, vocabulary);
    float[] logits = new float[vocabulary];
    int window = decoder.length();
    int[] context = new int[window];
    int held = Math.min(prompt.length, window);
    System.arraycopy(prompt, prompt.length - held, context, 0, held);
    decoder.reset();
    int fed = 0;
    for (int drawn = 0; drawn < count; drawn++) {
      decoder.feed(Arrays.copyOfRange(context, fed, held), logits);
      fed = held;
      int token = sampler.draw(logits, drawn);
      if (held == window) {
        held = Math.max(1, window / 2) - 1;
        System.arraycopy(context, window - held, context, 0, held);
        decoder.reset();
        fed = 0;
      }
      context[held++] = token;
      if (!onToken.test(token)) {
        return drawn + 1;
      }
    }
    return count;
  }
}
