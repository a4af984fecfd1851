package dev.anneal.model;

import dev.anneal.plan.Emitter;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Llama 3: pre-norm blocks with RMS norm, rotary positions, query heads that share heads of keys
 * and values, SwiGLU, no biases. Weights are (out, in); those of q, k and v are one matrix, those
 * of gate and up another.
 *
 * <p>Sources: Touvron et al., "LLaMA", 2023; Dubey et al., "The Llama 3 Herd of Models", 2024.
 */
public final class Llama implements Model {
  /** Of all matrices and embeddings. */
  private static final float STANDARD_DEVIATION = 0.02f;

  /** Meta's, and sizes to train from nothing. */
  public static final ModelFamily FAMILY =
      new ModelFamily("llama", LlamaConfig.presets(), LlamaConfig::of);

  private final LlamaConfig config;
  private final Parameters parameters = new Parameters();
  private final Tensor tokenEmbedding;
  private final List<Block> blocks;
  private final Tensor lastNorm;
  private final Tensor head;

  /** In the order of the forward pass. */
  private record Block(
      String name,
      Tensor norm1,
      Tensor qkv,
      Tensor attended,
      Tensor norm2,
      Tensor gateAndUp,
      Tensor down) {}

  Llama(LlamaConfig config) {
    this.config = config;
    this.tokenEmbedding =
        parameters.embedding(
            "embed_tokens.weight",
            config.paddedVocabulary(),
            config.channels(),
            STANDARD_DEVIATION,
            config.vocabulary());
    this.blocks =
        IntStream.range(0, config.layers())
            .mapToObj(i -> parameters.block(i, () -> block("layers." + i)))
            .toList();
    this.lastNorm = parameters.norm("norm.weight", config.channels(), 1);
    this.head =
        config.tied()
            ? tokenEmbedding
            : parameters.matrix(
                "lm_head.weight",
                config.paddedVocabulary(),
                config.channels(),
                STANDARD_DEVIATION,
                config.vocabulary());
  }

  private Block block(String name) {
    int c = config.channels();
    int queries = config.heads() * config.headSize();
    return new Block(
        name,
        parameters.norm(name + ".input_layernorm.weight", c, 1),
        matrix(name + ".self_attn.qkv_proj.weight", config.qkvChannels(), c),
        matrix(name + ".self_attn.o_proj.weight", c, queries),
        parameters.norm(name + ".post_attention_layernorm.weight", c, 1),
        matrix(name + ".mlp.gate_up_proj.weight", 2 * config.hidden(), c),
        matrix(name + ".mlp.down_proj.weight", c, config.hidden()));
  }

  private Tensor matrix(String name, int out, int in) {
    return parameters.matrix(name, out, in, STANDARD_DEVIATION);
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  @Override
  public int headSize() {
    return config.headSize();
  }

  @Override
  public String description() {
    return "Llama, %d layers, %d heads, %d of keys, %d channels, context %d, vocabulary %d"
        .formatted(
            config.layers(),
            config.heads(),
            config.kvHeads(),
            config.channels(),
            config.context(),
            config.vocabulary());
  }

  @Override
  public List<Parameter> parameters() {
    return parameters.list();
  }

  @Override
  public List<Constant> constants(int length) {
    return List.of(config.rope().table(length, config.headSize()));
  }

  @Override
  public Tensor hidden(Emitter emit, Tensor tokens, Attention attention) {
    int length =
        switch (attention) {
          case Attention.Causal() -> tokens.shape().dim(-1);
          case Attention.Cached(var caches, var position) ->
              caches.getFirst().keys().shape().dim(1);
        };
    Tensor table = constants(length).getFirst().tensor();
    Tensor x = emit.tokenEmbedding("embedding", tokens, tokenEmbedding);
    for (int i = 0; i < blocks.size(); i++) {
      Block block = blocks.get(i);
      int layer = i;
      Tensor in = x;
      x = emit.block(i, () -> emitBlock(emit, in, block, layer, table, attention));
    }
    return norm(emit, "norm.out", x, lastNorm);
  }

  private Tensor norm(Emitter emit, String name, Tensor in, Tensor weight) {
    return emit.rmsNorm(name, in, weight, (float) config.epsilon());
  }

  private Tensor emitBlock(
      Emitter emit, Tensor x, Block block, int layer, Tensor table, Attention attention) {
    String name = block.name();
    int heads = config.heads();
    Tensor in = norm(emit, name + ".input_layernorm.out", x, block.norm1());
    Tensor grouped = linear(emit, name + ".self_attn.grouped", in, block.qkv());
    Optional<Tensor> start =
        attention instanceof Attention.Cached(var caches, var position)
            ? Optional.of(position)
            : Optional.empty();
    Tensor qkv =
        emit.rotary(name + ".self_attn.qkv", grouped, table, start, heads, config.kvHeads());
    Tensor values =
        switch (attention) {
          case Attention.Causal() -> emit.attention(name + ".self_attn.out", qkv, heads);
          case Attention.Cached(var caches, var position) ->
              emit.cachedAttention(
                  name + ".self_attn.out",
                  qkv,
                  caches.get(layer).keys(),
                  caches.get(layer).values(),
                  position,
                  heads);
        };
    Tensor attended = linear(emit, name + ".self_attn.o_proj.out", values, block.attended());
    Tensor middle = emit.add(name + ".self_attn.residual", x, attended);
    Tensor normed = norm(emit, name + ".post_attention_layernorm.out", middle, block.norm2());
    Tensor wide = linear(emit, name + ".mlp.gate_up", normed, block.gateAndUp());
    Tensor gated = emit.swiGlu(name + ".mlp.gated", wide);
    Tensor narrow = linear(emit, name + ".mlp.down_proj.out", gated, block.down());
    return emit.add(name + ".mlp.residual", middle, narrow);
  }

  private static Tensor linear(Emitter emit, String name, Tensor in, Tensor weight) {
    return emit.linear(name, in, weight, Optional.empty());
  }

  @Override
  public Tensor logits(Emitter emit, Tensor hidden) {
    return linear(emit, "logits", hidden, head);
  }

  @Override
  public List<KeyValueCache> caches(int batch, int length) {
    Shape shape = Shape.of(batch, length, config.heads() * config.headSize());
    return IntStream.range(0, config.layers())
        .mapToObj(i -> KeyValueCache.of("layers." + i, i, shape))
        .toList();
  }
}
