package dev.anneal.model;

import dev.anneal.failure.Failure;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * What a Llama is, but for its weights.
 *
 * @param kvHeads NKV: heads of keys and values, which divide the heads of queries
 * @param headSize HS: channels of a head, an even number
 * @param hidden F: channels between gate and down
 * @param rope the angles of positions
 * @param epsilon of the norms
 * @param tied whether the head is the token embedding
 */
public record LlamaConfig(
    Sizes sizes,
    int kvHeads,
    int headSize,
    int hidden,
    RotaryPositions rope,
    double epsilon,
    boolean tied)
    implements ModelConfig {
  private static final double EPSILON = 1e-5;
  private static final int LLAMA3_VOCABULARY = 128256;
  private static final int LLAMA2_VOCABULARY = 32000;
  private static final int LLAMA3_CONTEXT = 131072;
  private static final int HIDDEN_MULTIPLE = 32;

  /** Refuses what no model has. */
  public LlamaConfig {
    if (kvHeads < 1 || sizes.heads() % kvHeads != 0) {
      throw Failure.usage(
          kvHeads + " heads of keys do not divide the " + sizes.heads() + " heads of queries");
    }
    if (headSize < 2 || headSize % 2 != 0 || headSize > 1 << 16) {
      throw Failure.usage(
          "a head of "
              + headSize
              + " channels cannot be turned by positions; expected an even number from 2 to 65536");
    }
    if (hidden < 1 || hidden > 1 << 24) {
      throw Failure.usage("the hidden size is " + hidden + "; expected 1 to " + (1 << 24));
    }
    if (!(epsilon > 0 && epsilon < 1)) {
      throw Failure.usage(
          "the norms' epsilon is " + epsilon + "; expected a number between 0 and 1");
    }
  }

  static List<ModelFamily.Preset> presets() {
    return List.of(
        small("llama-15M", 6, 6, 288, 256, 768),
        small("llama-110M", 12, 12, 768, 1024, 2048),
        llama3("llama3.2-1b", 16, 32, 2048, 8192, 32, true),
        llama3("llama3.2-3b", 28, 24, 3072, 8192, 32, true),
        llama3("llama3.1-8b", 32, 32, 4096, 14336, 8, false));
  }

  /** As many heads of keys as of queries, and the head is the embedding. */
  private static ModelFamily.Preset small(
      String name, int layers, int heads, int channels, int context, int hidden) {
    Sizes sizes = new Sizes(layers, heads, channels, context, LLAMA2_VOCABULARY);
    return new ModelFamily.Preset(
        name,
        new LlamaConfig(
            sizes,
            heads,
            sizes.headSize(),
            hidden,
            new RotaryPositions(RotaryPositions.LLAMA2_THETA, Optional.empty()),
            EPSILON,
            true));
  }

  private static ModelFamily.Preset llama3(
      String name, int layers, int heads, int channels, int hidden, double factor, boolean tied) {
    Sizes sizes = new Sizes(layers, heads, channels, LLAMA3_CONTEXT, LLAMA3_VOCABULARY);
    return new ModelFamily.Preset(
        name,
        new LlamaConfig(
            sizes,
            8,
            sizes.headSize(),
            hidden,
            new RotaryPositions(
                RotaryPositions.LLAMA3_THETA,
                Optional.of(new RotaryPositions.Scaling(factor, 1, 4, 8192))),
            EPSILON,
            tied));
  }

  /** Of a saved run's numbers; those that are not there are as in Llama 3 of these sizes. */
  static LlamaConfig of(Sizes sizes, Map<String, Double> details) {
    Optional<RotaryPositions.Scaling> scaling =
        details.containsKey("rope_factor")
            ? Optional.of(
                new RotaryPositions.Scaling(
                    number(details, "rope_factor", 1),
                    number(details, "rope_low", 1),
                    number(details, "rope_high", 4),
                    whole(details, "rope_original", 8192)))
            : Optional.empty();
    return new LlamaConfig(
        sizes,
        whole(details, "kv_heads", sizes.heads()),
        whole(details, "head_size", sizes.headSize()),
        whole(details, "hidden", usualHidden(sizes.channels())),
        new RotaryPositions(number(details, "rope_theta", RotaryPositions.LLAMA3_THETA), scaling),
        number(details, "epsilon", EPSILON),
        number(details, "tied", 1) != 0);
  }

  private static double number(Map<String, Double> details, String name, double usual) {
    return details.getOrDefault(name, usual);
  }

  private static int whole(Map<String, Double> details, String name, int usual) {
    double value = number(details, name, usual);
    if (value != Math.rint(value) || Math.abs(value) > Integer.MAX_VALUE) {
      throw Failure.failed(name + " is " + value + "; expected a whole number");
    }
    return (int) value;
  }

  /** Two thirds of 4 C, so that three matrices have as many weights as GPT-2's two. */
  private static int usualHidden(int channels) {
    return Math.ceilDiv((int) (8L * channels / 3), HIDDEN_MULTIPLE) * HIDDEN_MULTIPLE;
  }

  @Override
  public SequencedMap<String, Double> details() {
    TreeMap<String, Double> details = new TreeMap<>();
    details.put("kv_heads", (double) kvHeads);
    details.put("head_size", (double) headSize);
    details.put("hidden", (double) hidden);
    details.put("rope_theta", rope.theta());
    rope.scaling()
        .ifPresent(
            scaling -> {
              details.put("rope_factor", scaling.factor());
              details.put("rope_low", scaling.low());
              details.put("rope_high", scaling.high());
              details.put("rope_original", (double) scaling.originalContext());
            });
    details.put("epsilon", epsilon);
    details.put("tied", tied ? 1.0 : 0.0);
    return Collections.unmodifiableSequencedMap(details);
  }

  @Override
  public ModelFamily family() {
    return Llama.FAMILY;
  }

  @Override
  public Model model() {
    return new Llama(this);
  }

  @Override
  public LlamaConfig resized(Sizes other) {
    boolean sameWidth = other.channels() == channels();
    boolean sameHeads = other.heads() == heads();
    int kv = sameHeads ? kvHeads : largestDivisor(other.heads(), kvHeads);
    return new LlamaConfig(
        other,
        kv,
        sameWidth && sameHeads ? headSize : other.headSize(),
        sameWidth ? hidden : usualHidden(other.channels()),
        rope,
        epsilon,
        tied);
  }

  private static int largestDivisor(int of, int most) {
    int divisor = Math.min(of, most);
    while (of % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  /** Channels of q, k and v together, with few heads of k and v: (NH + 2 NKV) HS. */
  public int qkvChannels() {
    return Math.multiplyExact(heads() + 2 * kvHeads, headSize);
  }

  @Override
  public double parameters() {
    double c = channels();
    double queries = (double) heads() * headSize;
    double keys = (double) kvHeads * headSize;
    double perLayer = 2 * c * queries + 2 * c * keys + 3 * c * hidden + 2 * c;
    return layers() * perLayer + sizes.padded() * c * (tied ? 1 : 2) + c;
  }
}
