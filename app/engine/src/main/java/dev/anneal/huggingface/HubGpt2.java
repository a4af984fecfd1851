package dev.anneal.huggingface;

import dev.anneal.model.Gpt2;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.Sizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * GPT-2's folders. Its linear layers are {@code Conv1D}s: their weights are (in, out). Those that
 * {@code GPT2LMHeadModel} saves have the prefix, OpenAI's own on the hub do not.
 *
 * <p>Source: transformers' {@code GPT2Config} and {@code modeling_gpt2.py}.
 */
final class HubGpt2 implements HubFamily {
  private static final double EPSILON = 1e-5;

  /** GELU in its tanh form, by the names that there are for it. */
  private static final Set<String> GELU =
      Set.of("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python_tanh");

  /** The causal mask, and what is put in its place. */
  private static final Pattern BUFFER = Pattern.compile("h\\.\\d{1,6}\\.attn\\.(masked_)?bias");

  @Override
  public String type() {
    return "gpt2";
  }

  @Override
  public String prefix() {
    return "transformer.";
  }

  @Override
  public String embedding() {
    return "wte.weight";
  }

  @Override
  public ModelConfig model(HubJson config) {
    config.requireIfThere("scale_attn_weights", true);
    config.requireIfThere("scale_attn_by_inverse_layer_idx", false);
    config.requireIfThere("add_cross_attention", false);
    config.requireIfThere("tie_word_embeddings", true);
    if (!GELU.contains(config.text("activation_function").orElse("gelu_new"))) {
      throw config.bad("activation_function", "gelu_new, GPT-2's own");
    }
    if (config.number("layer_norm_epsilon").orElse(EPSILON) != EPSILON) {
      throw config.bad("layer_norm_epsilon", EPSILON + ", GPT-2's own");
    }
    int channels = config.requireSize("n_embd");
    Optional<Integer> inner = config.size("n_inner");
    if (inner.isPresent() && inner.get() != 4L * channels) {
      throw config.bad("n_inner", "four times n_embd, which is " + channels);
    }
    int heads = config.requireSize("n_head");
    if (channels % heads != 0) {
      throw config.bad("n_head", "a divisor of n_embd, which is " + channels);
    }
    int context =
        config
            .size("n_positions")
            .or(() -> config.size("n_ctx"))
            .orElseThrow(() -> config.bad("n_positions", "a whole number"));
    return new Gpt2.Config(
        new Sizes(
            config.requireSize("n_layer"),
            heads,
            channels,
            context,
            config.requireSize("vocab_size")));
  }

  @Override
  public List<Name> names(ModelConfig model) {
    long c = model.channels();
    List<Name> names = new ArrayList<>();
    names.add(same("wte.weight", (long) model.vocabulary(), c));
    names.add(same("wpe.weight", (long) model.context(), c));
    for (int i = 0; i < model.layers(); i++) {
      String h = "h." + i + ".";
      norm(names, h + "ln_1", c);
      linear(names, h + "attn.c_attn", 3 * c, c);
      linear(names, h + "attn.c_proj", c, c);
      norm(names, h + "ln_2", c);
      linear(names, h + "mlp.c_fc", 4 * c, c);
      linear(names, h + "mlp.c_proj", c, 4 * c);
    }
    norm(names, "ln_f", c);
    return names;
  }

  private static void norm(List<Name> names, String name, long channels) {
    names.add(same(name + ".weight", channels));
    names.add(same(name + ".bias", channels));
  }

  private static void linear(List<Name> names, String name, long out, long in) {
    names.add(Name.of(name + ".weight", name + ".weight", true, List.of(in, out)));
    names.add(same(name + ".bias", out));
  }

  private static Name same(String name, Long... shape) {
    return Name.of(name, name, false, List.of(shape));
  }

  @Override
  public boolean isBuffer(String name) {
    return BUFFER.matcher(name).matches();
  }
}
