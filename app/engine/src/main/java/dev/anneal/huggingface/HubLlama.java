package dev.anneal.huggingface;

import dev.anneal.model.LlamaConfig;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.RotaryPositions;
import dev.anneal.model.Sizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Llama's folders. The angles of positions are described in two ways: by {@code rope_theta} and
 * {@code rope_scaling} before transformers 5, and by {@code rope_parameters} from there on. Both
 * are read; what neither says is 10000.
 *
 * <p>Source: transformers' {@code LlamaConfig} and {@code modeling_llama.py}.
 */
final class HubLlama implements HubFamily {
  /** What a configuration that does not say it means. */
  private static final double THETA = 10_000;

  private static final double EPSILON = 1e-6;
  private static final String LLAMA3 = "llama3";
  private static final String PARAMETERS = "rope_parameters";
  private static final String SCALING = "rope_scaling";

  @Override
  public String type() {
    return "llama";
  }

  @Override
  public String prefix() {
    return "model.";
  }

  @Override
  public String embedding() {
    return "embed_tokens.weight";
  }

  @Override
  public ModelConfig model(HubJson config) {
    config.requireIfThere("attention_bias", false);
    config.requireIfThere("mlp_bias", false);
    if (!config.text("hidden_act").orElse("silu").equals("silu")) {
      throw config.bad("hidden_act", "silu, Llama's own");
    }
    int channels = config.requireSize("hidden_size");
    int heads = config.requireSize("num_attention_heads");
    if (channels % heads != 0) {
      throw config.bad("num_attention_heads", "a divisor of hidden_size, which is " + channels);
    }
    int kvHeads = config.size("num_key_value_heads").orElse(heads);
    if (heads % kvHeads != 0) {
      throw config.bad(
          "num_key_value_heads", "a divisor of num_attention_heads, which is " + heads);
    }
    int headSize = config.size("head_dim").orElse(channels / heads);
    if (headSize % 2 != 0 || headSize > 1 << 16) {
      throw config.bad("head_dim", "an even number up to 65536");
    }
    double epsilon = config.number("rms_norm_eps").orElse(EPSILON);
    if (epsilon >= 1) {
      throw config.bad("rms_norm_eps", "a number between 0 and 1");
    }
    int hidden = config.requireSize("intermediate_size");
    if (hidden > 1 << 24) {
      throw config.bad("intermediate_size", "at most " + (1 << 24));
    }
    return new LlamaConfig(
        new Sizes(
            config.requireSize("num_hidden_layers"),
            heads,
            channels,
            config.requireSize("max_position_embeddings"),
            config.requireSize("vocab_size")),
        kvHeads,
        headSize,
        hidden,
        rope(config),
        epsilon,
        config.truth("tie_word_embeddings").orElse(false));
  }

  private static RotaryPositions rope(HubJson config) {
    Optional<HubJson> parameters = config.object(PARAMETERS);
    Optional<HubJson> scaling = parameters.or(() -> config.object(SCALING));
    double theta =
        parameters
            .flatMap(p -> p.number("rope_theta"))
            .or(() -> config.number("rope_theta"))
            .orElse(THETA);
    if (theta <= 1) {
      throw config.bad("rope_theta", "a number above 1");
    }
    return new RotaryPositions(theta, scaling.flatMap(s -> scaling(config, s)));
  }

  private static Optional<RotaryPositions.Scaling> scaling(HubJson config, HubJson scaling) {
    String key = scaling.has("rope_type") ? "rope_type" : "type";
    String type = scaling.text(key).orElse("default");
    if (type.equals("default")) {
      return Optional.empty();
    }
    if (!type.equals(LLAMA3)) {
      throw scaling.bad(key, "default or " + LLAMA3);
    }
    double low = required(scaling, "low_freq_factor");
    if (required(scaling, "high_freq_factor") <= low) {
      throw scaling.bad("high_freq_factor", "more than low_freq_factor, which is " + low);
    }
    if (required(scaling, "factor") < 1) {
      throw scaling.bad("factor", "a number from 1 on");
    }
    int original =
        scaling
            .size("original_max_position_embeddings")
            .or(() -> config.size("original_max_position_embeddings"))
            .orElseThrow(() -> scaling.bad("original_max_position_embeddings", "a whole number"));
    return Optional.of(
        new RotaryPositions.Scaling(
            required(scaling, "factor"), low, required(scaling, "high_freq_factor"), original));
  }

  private static double required(HubJson scaling, String field) {
    return scaling.number(field).orElseThrow(() -> scaling.bad(field, "a number above 0"));
  }

  @Override
  public List<Name> names(ModelConfig model) {
    LlamaConfig config = (LlamaConfig) model;
    long c = config.channels();
    long f = config.hidden();
    long queries = (long) config.heads() * config.headSize();
    long keys = (long) config.kvHeads() * config.headSize();
    List<Name> names = new ArrayList<>();
    names.add(same("embed_tokens.weight", (long) config.vocabulary(), c));
    for (int i = 0; i < config.layers(); i++) {
      String block = "layers." + i + ".";
      String attention = block + "self_attn.";
      names.add(same(block + "input_layernorm.weight", c));
      names.add(
          new Name(
              attention + "qkv_proj.weight",
              List.of(
                  part(attention + "q_proj.weight", queries, c),
                  part(attention + "k_proj.weight", keys, c),
                  part(attention + "v_proj.weight", keys, c))));
      names.add(same(attention + "o_proj.weight", c, queries));
      names.add(same(block + "post_attention_layernorm.weight", c));
      names.add(
          new Name(
              block + "mlp.gate_up_proj.weight",
              List.of(
                  part(block + "mlp.gate_proj.weight", f, c),
                  part(block + "mlp.up_proj.weight", f, c))));
      names.add(same(block + "mlp.down_proj.weight", c, f));
    }
    names.add(same("norm.weight", c));
    if (!config.tied()) {
      names.add(same(HubValues.HEAD, (long) config.vocabulary(), c));
    }
    return names;
  }

  private static Part part(String name, Long... shape) {
    return new Part(name, false, List.of(shape));
  }

  private static Name same(String name, Long... shape) {
    return new Name(name, List.of(part(name, shape)));
  }

  /** The frequencies that older versions saved. */
  @Override
  public boolean isBuffer(String name) {
    return name.endsWith("rotary_emb.inv_freq");
  }
}
