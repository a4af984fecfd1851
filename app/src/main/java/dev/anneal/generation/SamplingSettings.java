package dev.anneal.generation;

import dev.anneal.failure.Failure;

/**
 * How the next token is drawn from the logits.
 *
 * @param temperature divides the logits; 0 always takes the likeliest token
 * @param topK only the k likeliest tokens can be drawn; 0 for all
 * @param topP only the likeliest tokens whose probabilities first reach p; 1 for all
 */
public record SamplingSettings(double temperature, int topK, double topP, long seed) {
  public SamplingSettings {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw Failure.usage("--temperature is " + temperature + "; expected 0 or more, such as 0.8");
    }
    if (topK < 0) {
      throw Failure.usage("--top-k is " + topK + "; expected 0 (for all) or more");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw Failure.usage("--top-p is " + topP + "; expected more than 0 and at most 1");
    }
  }

  /**
   * Temperature 0.8 of the 40 likeliest tokens. A cut by mass would leave a small model no way out
   * of a run of spaces, which it gives nearly all of it.
   */
  public static SamplingSettings defaults(long seed) {
    return new SamplingSettings(0.8, 40, 1.0, seed);
  }
}
