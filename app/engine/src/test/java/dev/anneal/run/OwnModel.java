package dev.anneal.run;

import dev.anneal.model.Model;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.ModelFamily;
import dev.anneal.model.Parameter;
import dev.anneal.model.Parameters;
import dev.anneal.model.Sizes;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A model that Anneal does not come with: names of its own, no biases, and an untied head. */
final class OwnModel implements Model {
  private static final float DEVIATION = 0.1f;

  record Config(Sizes sizes) implements ModelConfig.Own {
    @Override
    public ModelFamily family() {
      return new ModelFamily("own", List.of(), (sizes, details) -> new Config(sizes));
    }

    @Override
    public Model model() {
      return new OwnModel(this);
    }

    @Override
    public ModelConfig resized(Sizes other) {
      return new Config(other);
    }

    @Override
    public double parameters() {
      return model().parameterCount();
    }
  }

  private record Norm(Tensor scale, Tensor shift) {}

  private record Block(String name, Norm norm, Tensor mix, Tensor back, Tensor up, Tensor down) {}

  private final Config config;
  private final Parameters parameters = new Parameters();
  private final Tensor tokens;
  private final Tensor positions;
  private final List<Block> blocks = new ArrayList<>();
  private final Norm last;
  private final Tensor head;

  private OwnModel(Config config) {
    this.config = config;
    int c = config.channels();
    int padded = config.paddedVocabulary();
    this.tokens = parameters.embedding("tok", padded, c, DEVIATION, config.vocabulary());
    this.positions = parameters.embedding("pos", config.context(), c, DEVIATION, config.context());
    for (int i = 0; i < config.layers(); i++) {
      String name = "layers." + i + ".";
      blocks.add(
          parameters.block(
              i,
              () ->
                  new Block(
                      name,
                      norm(name + "norm"),
                      parameters.matrix(name + "mix", 3 * c, c, DEVIATION),
                      parameters.matrix(name + "back", c, c, DEVIATION),
                      parameters.matrix(name + "up", 2 * c, c, DEVIATION),
                      parameters.matrix(name + "down", c, 2 * c, DEVIATION))));
    }
    this.last = norm("last");
    this.head = parameters.matrix("head", padded, c, DEVIATION, config.vocabulary());
  }

  private Norm norm(String name) {
    return new Norm(
        parameters.norm(name + ".scale", config.channels(), 1),
        parameters.norm(name + ".shift", config.channels(), 0));
  }

  @Override
  public String description() {
    return "a model of one's own";
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public List<Parameter> parameters() {
    return parameters.list();
  }

  @Override
  public Tensor hidden(Emitter emit, Tensor in, Attention attention) {
    Tensor x = emit.embedding("in", in, tokens, positions, Optional.empty());
    for (int i = 0; i < blocks.size(); i++) {
      Tensor before = x;
      Block block = blocks.get(i);
      x = emit.block(i, () -> emitBlock(emit, before, block));
    }
    return emit.layerNorm("out", x, last.scale(), last.shift());
  }

  private Tensor emitBlock(Emitter emit, Tensor x, Block block) {
    String name = block.name();
    Tensor normed = emit.layerNorm(name + "n", x, block.norm().scale(), block.norm().shift());
    Tensor mixed = emit.linear(name + "m", normed, block.mix(), Optional.empty());
    Tensor attended = emit.attention(name + "a", mixed, config.heads());
    Tensor back = emit.linear(name + "b", attended, block.back(), Optional.empty());
    Tensor middle = emit.add(name + "r", x, back);
    Tensor up = emit.gelu(name + "g", emit.linear(name + "u", middle, block.up(), none()));
    return emit.add(name + "s", middle, emit.linear(name + "d", up, block.down(), none()));
  }

  private static Optional<Tensor> none() {
    return Optional.empty();
  }

  @Override
  public Tensor logits(Emitter emit, Tensor hidden) {
    return emit.linear("logits", hidden, head, Optional.empty());
  }

  @Override
  public List<KeyValueCache> caches(int batch, int length) {
    return List.of(KeyValueCache.of("layers.0", 0, Shape.of(batch, length, config.channels())));
  }
}
