package dev.anneal.training;

import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;

/**
 * AdamW's constants; defaults as in llm.c.
 *
 * @param decay what weight decay applies to
 * @param maxNorm gradients are scaled down to this global norm; infinity for no clipping
 */
public record AdamWSettings(
    float beta1, float beta2, float epsilon, float weightDecay, Decay decay, float maxNorm) {

  /** Which parameters weight decay pulls towards zero. */
  public enum Decay {
    MATRICES,
    ALL
  }

  public AdamWSettings {
    Setting.BETA1.real(Written.OPTION, beta1);
    Setting.BETA2.real(Written.OPTION, beta2);
    Setting.EPSILON.real(Written.OPTION, epsilon);
    Setting.WEIGHT_DECAY.real(Written.OPTION, weightDecay);
    if (maxNorm != Float.POSITIVE_INFINITY) {
      Setting.CLIP.real(Written.OPTION, maxNorm);
    }
  }

  public static AdamWSettings defaults() {
    return new AdamWSettings(0.9f, 0.95f, 1e-8f, 0.0f, Decay.MATRICES, 1.0f);
  }

  public AdamWSettings withWeightDecay(float decay) {
    return new AdamWSettings(beta1, beta2, epsilon, decay, this.decay, maxNorm);
  }
}
