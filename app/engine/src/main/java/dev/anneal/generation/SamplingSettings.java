package dev.anneal.generation;

import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;

/**
 * How the next token is drawn from the logits.
 *
 * @param temperature divides the logits; 0 always takes the likeliest token
 * @param topK only the k likeliest tokens can be drawn; 0 for all
 * @param topP only the likeliest tokens whose probabilities first reach p; 1 for all
 */
public record SamplingSettings(double temperature, int topK, double topP, long seed) {
  public SamplingSettings {
    Setting.TEMPERATURE.real(Written.OPTION, temperature);
    Setting.TOP_K.whole(Written.OPTION, topK);
    Setting.TOP_P.real(Written.OPTION, topP);
  }

  /**
   * Temperature 0.8 of the 40 likeliest tokens. A cut by mass would leave a small model no way out
   * of a run of spaces, which it gives nearly all of it.
   */
  public static SamplingSettings defaults(long seed) {
    return new SamplingSettings(0.8, 40, 1.0, seed);
  }
}
