package dev.anneal.model;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The sizes of a GPT-2.
 *
 * @param context maxT: the longest sequence that the position embeddings reach
 * @param vocabulary V: the token ids are 0 to V - 1
 */
public record GptConfig(int layers, int heads, int channels, int context, int vocabulary) {
  /** OpenAI's vocabulary: 50,000 merges, 256 bytes and the end of text. */
  public static final int GPT2_VOCABULARY = 50257;

  private static final int VOCABULARY_MULTIPLE = 128;

  /** OpenAI's four sizes. */
  public enum Named {
    GPT2_124M("gpt2-124M", 12, 12, 768),
    GPT2_350M("gpt2-350M", 24, 16, 1024),
    GPT2_774M("gpt2-774M", 36, 20, 1280),
    GPT2_1558M("gpt2-1558M", 48, 25, 1600);

    private final String label;
    private final GptConfig config;

    Named(String label, int layers, int heads, int channels) {
      this.label = label;
      this.config = new GptConfig(layers, heads, channels, 1024, GPT2_VOCABULARY);
    }

    /** As on the command line. */
    public String label() {
      return label;
    }

    public GptConfig config() {
      return config;
    }
  }

  public GptConfig {
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
  public GptConfig withLayers(int blocks) {
    return new GptConfig(blocks, heads, channels, context, vocabulary);
  }

  /**
   * OpenAI's model of this name.
   *
   * @throws Failure when there is none; it lists those there are
   */
  public static GptConfig named(String name) {
    Optional<Named> found =
        Arrays.stream(Named.values()).filter(n -> n.label().equalsIgnoreCase(name)).findFirst();
    return found
        .map(Named::config)
        .orElseThrow(
            () ->
                Failure.usage(
                    "no model is named "
                        + name
                        + "; there are "
                        + String.join(", ", names())
                        + ", or give "
                        + setting("layers")
                        + ", "
                        + setting("heads")
                        + " and "
                        + setting("channels")));
  }

  public static List<String> names() {
    return Arrays.stream(Named.values()).map(Named::label).collect(Collectors.toList());
  }

  /**
   * Vp: the vocabulary rounded up to a multiple of 128, which is faster; the rest is never used.
   */
  public int paddedVocabulary() {
    return Math.ceilDiv(vocabulary, VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;
  }

  /** HS: the channels of one head. */
  public int headSize() {
    return channels / heads;
  }

  /**
   * Refuses a sequence that the position embeddings do not reach.
   *
   * @throws Failure saying what to change
   */
  public void requireFits(int sequence) {
    if (sequence > context) {
      throw Failure.usage(
          setting("seq")
              + " is "
              + sequence
              + ", longer than the model's context of "
              + context
              + "; lower "
              + setting("seq")
              + " or raise "
              + setting("context"));
    }
  }

  /** Its parameters, with the padded vocabulary; in floating point, which no size overflows. */
  public double parameters() {
    double c = channels;
    double perLayer = 12 * c * c + 13 * c;
    double padded = Math.ceil((double) vocabulary / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;
    return layers * perLayer + (padded + context + 2) * c;
  }

  public GptConfig withVocabulary(int newVocabulary) {
    return new GptConfig(layers, heads, channels, context, newVocabulary);
  }
}
