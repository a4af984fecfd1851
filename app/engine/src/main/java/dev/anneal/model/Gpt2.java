package dev.anneal.model;

import dev.anneal.plan.Emitter;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * GPT-2 exactly as OpenAI's: pre-norm blocks, GELU in its tanh form, learned positions, the token
 * embedding tied to the output. Weights are (out, in), as in llm.c.
 *
 * <p>Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
 */
public final class Gpt2 implements Model {
  /** Of all matrices and embeddings. */
  private static final float STANDARD_DEVIATION = 0.02f;

  /** Of OpenAI's models: 50,000 merges, 256 bytes and the end of text. */
  private static final int VOCABULARY = 50257;

  private static final int CONTEXT = 1024;

  /** OpenAI's four. */
  public static final ModelFamily FAMILY =
      new ModelFamily(
          "gpt2",
          List.of(
              preset("gpt2-124M", 12, 12, 768),
              preset("gpt2-350M", 24, 16, 1024),
              preset("gpt2-774M", 36, 20, 1280),
              preset("gpt2-1558M", 48, 25, 1600)),
          (sizes, details) -> new Config(sizes));

  private static ModelFamily.Preset preset(String name, int layers, int heads, int channels) {
    return new ModelFamily.Preset(name, new Config(layers, heads, channels, CONTEXT, VOCABULARY));
  }

  /** The sizes of a GPT-2 are all that it has. */
  public record Config(Sizes sizes) implements ModelConfig {
    public Config(int layers, int heads, int channels, int context, int vocabulary) {
      this(new Sizes(layers, heads, channels, context, vocabulary));
    }

    @Override
    public ModelFamily family() {
      return FAMILY;
    }

    @Override
    public Model model() {
      return new Gpt2(this);
    }

    @Override
    public Config resized(Sizes other) {
      return new Config(other);
    }

    @Override
    public double parameters() {
      double c = channels();
      double perLayer = 12 * c * c + 13 * c;
      return layers() * perLayer + (sizes.padded() + context() + 2) * c;
    }
  }

  private final Config config;
  private final Parameters parameters = new Parameters();
  private final Tensor tokenEmbedding;
  private final Tensor positionEmbedding;
  private final List<Block> blocks;
  private final Norm lastNorm;

  /** (out, in), and what is added. */
  private record Linear(String name, Tensor weight, Tensor bias) {
    Tensor apply(Emitter emit, Tensor in) {
      return emit.linear(name + ".out", in, weight, Optional.of(bias));
    }
  }

  private record Norm(String name, Tensor weight, Tensor bias) {
    Tensor apply(Emitter emit, Tensor in) {
      return emit.layerNorm(name + ".out", in, weight, bias);
    }
  }

  /** In the order of the forward pass. */
  private record Block(
      String name,
      Norm norm1,
      Linear qkv,
      Linear attended,
      Norm norm2,
      Linear wide,
      Linear narrow) {}

  private Gpt2(Config config) {
    this.config = config;
    int c = config.channels();
    this.tokenEmbedding =
        parameters.embedding(
            "wte.weight", config.paddedVocabulary(), c, STANDARD_DEVIATION, config.vocabulary());
    this.positionEmbedding =
        parameters.embedding(
            "wpe.weight", config.context(), c, STANDARD_DEVIATION, config.context());
    this.blocks =
        IntStream.range(0, config.layers())
            .mapToObj(i -> parameters.block(i, () -> block("h." + i, c)))
            .toList();
    this.lastNorm = norm("ln_f", c);
  }

  private Block block(String h, int c) {
    // Each block adds two branches to the residual stream: their scale keeps its variance at 1.
    float residual = (float) (STANDARD_DEVIATION / Math.sqrt(2.0 * config.layers()));
    return new Block(
        h,
        norm(h + ".ln_1", c),
        linear(h + ".attn.c_attn", 3 * c, c, STANDARD_DEVIATION),
        linear(h + ".attn.c_proj", c, c, residual),
        norm(h + ".ln_2", c),
        linear(h + ".mlp.c_fc", 4 * c, c, STANDARD_DEVIATION),
        linear(h + ".mlp.c_proj", c, 4 * c, residual));
  }

  private Linear linear(String name, int out, int in, float deviation) {
    return new Linear(
        name,
        parameters.matrix(name + ".weight", out, in, deviation),
        parameters.bias(name + ".bias", out));
  }

  private Norm norm(String name, int channels) {
    return new Norm(
        name,
        parameters.norm(name + ".weight", channels, 1),
        parameters.norm(name + ".bias", channels, 0));
  }

  @Override
  public Config config() {
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
  public List<Parameter> parameters() {
    return parameters.list();
  }

  @Override
  public Tensor hidden(Emitter emit, Tensor tokens, Attention attention) {
    Optional<Tensor> start =
        switch (attention) {
          case Attention.Causal() -> Optional.empty();
          case Attention.Cached(var caches, var position) -> Optional.of(position);
        };
    Tensor x = emit.embedding("embedding", tokens, tokenEmbedding, positionEmbedding, start);
    for (int i = 0; i < blocks.size(); i++) {
      Block block = blocks.get(i);
      int layer = i;
      Tensor in = x;
      x = emit.block(i, () -> emitBlock(emit, in, block, layer, attention));
    }
    return lastNorm.apply(emit, x);
  }

  private Tensor emitBlock(Emitter emit, Tensor x, Block block, int layer, Attention attention) {
    String h = block.name();
    Tensor qkv = block.qkv().apply(emit, block.norm1().apply(emit, x));
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
        emit.add(h + ".attn.residual", x, block.attended().apply(emit, attended));
    Tensor wide = block.wide().apply(emit, block.norm2().apply(emit, afterAttention));
    Tensor gelu = emit.gelu(h + ".mlp.gelu", wide);
    return emit.add(h + ".mlp.residual", afterAttention, block.narrow().apply(emit, gelu));
  }

  @Override
  public Tensor logits(Emitter emit, Tensor hidden) {
    return emit.linear("logits", hidden, tokenEmbedding, Optional.empty());
  }

  @Override
  public List<KeyValueCache> caches(int batch, int length) {
    Shape shape = Shape.of(batch, length, config.channels());
    return IntStream.range(0, config.layers())
        .mapToObj(i -> KeyValueCache.of("h." + i, i, shape))
        .toList();
  }
}
