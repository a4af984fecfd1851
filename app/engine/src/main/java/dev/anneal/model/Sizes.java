package dev.anneal.model;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;

/**
 * What every transformer has a size of.
 *
 * @param layers blocks
 * @param heads of queries, per block
 * @param channels C, the width of the residual stream
 * @param context maxT: the longest sequence
 * @param vocabulary V: the token ids are 0 to V - 1
 */
public record Sizes(int layers, int heads, int channels, int context, int vocabulary) {
  private static final int VOCABULARY_MULTIPLE = 128;

  /** Refuses what no model has. */
  public Sizes {
    Setting.LAYERS.whole(Written.OPTION, layers);
    Setting.HEADS.whole(Written.OPTION, heads);
    Setting.CHANNELS.whole(Written.OPTION, channels);
    Setting.CONTEXT.whole(Written.OPTION, context);
    Setting.VOCABULARY.whole(Written.OPTION, vocabulary);
    if (channels % heads != 0) {
      throw Failure.usage(
          setting("channels")
              + " is "
              + channels
              + ", which "
              + setting("heads")
              + " "
              + heads
              + " does not divide; choose a multiple of the heads, such as "
              + Math.max(1, Math.round((double) channels / heads)) * heads);
    }
  }

  /** The same with so many blocks. */
  public Sizes withLayers(int blocks) {
    return new Sizes(blocks, heads, channels, context, vocabulary);
  }

  /** HS: the channels of one head. */
  public int headSize() {
    return channels / heads;
  }

  /**
   * Vp: the vocabulary rounded up to a multiple of 128, which is faster; the rest is never used.
   */
  public int paddedVocabulary() {
    return Math.ceilDiv(vocabulary, VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;
  }

  /** Vp in floating point, which no size overflows. */
  double padded() {
    return Math.ceil((double) vocabulary / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;
  }
}
