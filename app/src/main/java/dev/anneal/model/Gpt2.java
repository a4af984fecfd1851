package dev.anneal.model;

import dev.anneal.model.Parameter.Initial;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * GPT-2 exactly as OpenAI's: pre-norm blocks, GELU in its tanh form, learned positions, the token
 * embedding tied to the output. Weights are (out, in), as in llm.c.
 *
 * <p>Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
 */
public final class Gpt2 implements Model {
  /** Of all matrices and embeddings. */
  private static final float STANDARD_DEVIATION = 0.02f;

  private final GptConfig config;
  private final List<Parameter> parameters = new ArrayList<>();
  private final Map<String, Tensor> byName = new HashMap<>();

  public Gpt2(GptConfig config) {
    this.config = config;
    int c = config.channels();
    // Each block adds two branches to the residual stream: their scale keeps its variance at 1.
    float residual = (float) (STANDARD_DEVIATION / Math.sqrt(2.0 * config.layers()));
    matrix("wte.weight", config.paddedVocabulary(), c, STANDARD_DEVIATION, config.vocabulary());
    matrix("wpe.weight", config.context(), c, STANDARD_DEVIATION, config.context());
    for (int i = 0; i < config.layers(); i++) {
      String h = "h." + i;
      norm(h + ".ln_1", c);
      linear(h + ".attn.c_attn", 3 * c, c, STANDARD_DEVIATION);
      linear(h + ".attn.c_proj", c, c, residual);
      norm(h + ".ln_2", c);
      linear(h + ".mlp.c_fc", 4 * c, c, STANDARD_DEVIATION);
      linear(h + ".mlp.c_proj", c, 4 * c, residual);
    }
    norm("ln_f", c);
  }

  private void linear(String name, int out, int in, float deviation) {
    matrix(name + ".weight", out, in, deviation, out);
    vector(name + ".bias", out, 0);
  }

  private void norm(String name, int channels) {
    vector(name + ".weight", channels, 1);
    vector(name + ".bias", channels, 0);
  }

  private void matrix(String name, int rows, int columns, float deviation, int usedRows) {
    add(name, Shape.of(rows, columns), new Initial.Normal(deviation, usedRows), true);
  }

  private void vector(String name, int size, float value) {
    add(name, Shape.of(size), new Initial.Constant(value), false);
  }

  private void add(String name, Shape shape, Initial initial, boolean matrix) {
    Tensor tensor = new Tensor(name, DType.F32, shape, Arena.PARAMETERS);
    parameters.add(new Parameter(tensor, initial, matrix));
    byName.put(name, tensor);
  }

  public GptConfig config() {
    return config;
  }

  @Override
  public String description() {
    return "GPT-2, %d layers, %d heads, %d channels, context %d, vocabulary %d"
        .formatted(
            config.layers(),
            config.heads(),
            config.channels(),
            config.context(),
            config.vocabulary());
  }

  @Override
  public int channels() {
    return config.channels();
  }

  @Override
  public int headSize() {
    return config.channels() / config.heads();
  }

  @Override
  public int vocabulary() {
    return config.vocabulary();
  }

  @Override
  public int context() {
    return config.context();
  }

  @Override
  public List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  @Override
  public Tensor hidden(Emitter emit, Tensor tokens, Attention attention) {
    Optional<Tensor> start =
        switch (attention) {
          case Attention.Causal() -> Optional.empty();
          case Attention.Cached(var caches, var position) -> Optional.of(position);
        };
    Tensor x = emit.embedding("embedding", tokens, get("wte.weight"), get("wpe.weight"), start);
    for (int i = 0; i < config.layers(); i++) {
      x = block(emit, x, i, attention);
    }
    return emit.layerNorm("ln_f.out", x, get("ln_f.weight"), get("ln_f.bias"));
  }

  private Tensor block(Emitter emit, Tensor x, int layer, Attention attention) {
    String h = "h." + layer;
    Tensor normed = norm(emit, h + ".ln_1", x);
    Tensor qkv = linear(emit, h + ".attn.c_attn", normed);
    Tensor attended =
        switch (attention) {
          case Attention.Causal() -> emit.attention(h + ".attn.out", qkv, config.heads());
          case Attention.Cached(var caches, var position) ->
              emit.cachedAttention(
                  h + ".attn.out",
                  qkv,
                  caches.get(layer).keys(),
                  caches.get(layer).values(),
                  position,
                  config.heads());
        };
    Tensor afterAttention =
        emit.add(h + ".attn.residual", x, linear(emit, h + ".attn.c_proj", attended));
    Tensor normedAgain = norm(emit, h + ".ln_2", afterAttention);
    Tensor gelu = emit.gelu(h + ".mlp.gelu", linear(emit, h + ".mlp.c_fc", normedAgain));
    return emit.add(h + ".mlp.residual", afterAttention, linear(emit, h + ".mlp.c_proj", gelu));
  }

  private Tensor norm(Emitter emit, String name, Tensor in) {
    return emit.layerNorm(name + ".out", in, get(name + ".weight"), get(name + ".bias"));
  }

  private Tensor linear(Emitter emit, String name, Tensor in) {
    return emit.linear(name + ".out", in, get(name + ".weight"), Optional.of(get(name + ".bias")));
  }

  @Override
  public Tensor logits(Emitter emit, Tensor hidden) {
    return emit.linear("logits", hidden, get("wte.weight"), Optional.empty());
  }

  @Override
  public List<KeyValueCache> caches(int batch, int length) {
    List<KeyValueCache> caches = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      caches.add(
          new KeyValueCache(
              cache("h." + i + ".keys", batch, length),
              cache("h." + i + ".values", batch, length)));
    }
    return List.copyOf(caches);
  }

  private Tensor cache(String name, int batch, int length) {
    return new Tensor(name, DType.F32, Shape.of(batch, length, config.channels()), Arena.KV_CACHE);
  }

  private Tensor get(String name) {
    return Optional.ofNullable(byName.get(name)).orElseThrow();
  }
}
