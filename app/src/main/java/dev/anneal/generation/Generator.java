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
   * is full, its later half becomes the context of what follows.
   *
   * @param onToken hears each token; false ends the text
   * @return the tokens drawn
   */
  public int generate(int[] prompt, int count, SamplingSettings settings, IntPredicate onToken) {
    Sampler sampler = new Sampler(settings, vocabulary);
    float[] logits = new float[vocabulary];
    int[] text = Arrays.copyOf(prompt, prompt.length + count);
    int length = prompt.length;
    decoder.reset();
    int fed = Math.max(0, length - decoder.length());
    for (int drawn = 0; drawn < count; drawn++) {
      if (decoder.position() + (length - fed) > decoder.length()) {
        decoder.reset();
        fed = length - Math.max(1, decoder.length() / 2);
      }
      decoder.feed(Arrays.copyOfRange(text, fed, length), logits);
      fed = length;
      int token = sampler.draw(logits, drawn);
      text[length++] = token;
      if (!onToken.test(token)) {
        return drawn + 1;
      }
    }
    return count;
  }
}
