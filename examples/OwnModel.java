// Trains a model of one's own: as GPT-2, but attention and the wide layers of a block work side by
// side on one norm of the residual stream, and not one after the other, as in GPT-J.
//
//   examples/run OwnModel [FILE [RUN]]
//
// A model emits its forward pass into an Emitter; the backward pass, the memory and the devices'
// kernels follow from that. A saved run keeps the weights, the sizes and the family's name, not
// this
// code: whoever loads it says which family that is.

import dev.anneal.Anneal;
import dev.anneal.Training;
import dev.anneal.model.Model;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.ModelFamily;
import dev.anneal.model.Parameter;
import dev.anneal.model.Parameters;
import dev.anneal.model.Sizes;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

final class OwnModel implements Model {
  private static final float DEVIATION = 0.02f;
  private static final ModelFamily FAMILY =
      new ModelFamily("side-by-side", List.of(), (sizes, details) -> new Config(sizes));

  /** All that makes one such model. */
  private record Config(Sizes sizes) implements ModelConfig.Own {
    @Override
    public ModelFamily family() {
      return FAMILY;
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
      double c = channels();
      return layers() * (12 * c * c + 11 * c) + ((double) paddedVocabulary() + context() + 2) * c;
    }
  }

  /** A weight, (out, in), and what is added. */
  private record Pair(String name, Tensor weight, Tensor bias) {
    Tensor linear(Emitter emit, Tensor in) {
      return emit.linear(name + ".out", in, weight, Optional.of(bias));
    }

    Tensor norm(Emitter emit, Tensor in) {
      return emit.layerNorm(name + ".out", in, weight, bias);
    }
  }

  private record Block(String name, Pair norm, Pair qkv, Pair attended, Pair wide, Pair narrow) {}

  private final Config config;
  private final Parameters parameters = new Parameters();
  private final Tensor tokens;
  private final Tensor positions;
  private final List<Block> blocks;
  private final Pair lastNorm;

  private OwnModel(Config config) {
    this.config = config;
    int c = config.channels();
    tokens =
        parameters.embedding(
            "token.weight", config.paddedVocabulary(), c, DEVIATION, config.vocabulary());
    positions =
        parameters.embedding("position.weight", config.context(), c, DEVIATION, config.context());
    blocks =
        IntStream.range(0, config.layers())
            .mapToObj(i -> parameters.block(i, () -> block("block" + i, c)))
            .toList();
    lastNorm = norm("last", c);
  }

  private Block block(String name, int c) {
    return new Block(
        name,
        norm(name + ".norm", c),
        linear(name + ".qkv", 3 * c, c),
        linear(name + ".attended", c, c),
        linear(name + ".wide", 4 * c, c),
        linear(name + ".narrow", c, 4 * c));
  }

  private Pair linear(String name, int out, int in) {
    return new Pair(
        name,
        parameters.matrix(name + ".weight", out, in, DEVIATION),
        parameters.bias(name + ".bias", out));
  }

  private Pair norm(String name, int c) {
    return new Pair(
        name, parameters.norm(name + ".weight", c, 1), parameters.norm(name + ".bias", c, 0));
  }

  @Override
  public Config config() {
    return config;
  }

  @Override
  public String description() {
    return "a model with blocks side by side, %d layers".formatted(config.layers());
  }

  @Override
  public List<Parameter> parameters() {
    return parameters.list();
  }

  @Override
  public Tensor hidden(Emitter emit, Tensor in, Attention attention) {
    Optional<Tensor> start =
        attention instanceof Attention.Cached cached
            ? Optional.of(cached.position())
            : Optional.empty();
    Tensor x = emit.embedding("embedding", in, tokens, positions, start);
    for (int i = 0; i < blocks.size(); i++) {
      Tensor from = x;
      int index = i;
      x = emit.block(i, () -> emitBlock(emit, from, index, attention));
    }
    return lastNorm.norm(emit, x);
  }

  private Tensor emitBlock(Emitter emit, Tensor x, int index, Attention attention) {
    Block block = blocks.get(index);
    Tensor normed = block.norm().norm(emit, x);
    Tensor qkv = block.qkv().linear(emit, normed);
    String name = block.name() + ".attention";
    Tensor attended =
        switch (attention) {
          case Attention.Causal() -> emit.attention(name, qkv, config.heads());
          case Attention.Cached(var caches, var position) ->
              emit.cachedAttention(
                  name,
                  qkv,
                  caches.get(index).keys(),
                  caches.get(index).values(),
                  position,
                  config.heads());
        };
    Tensor wide = emit.gelu(block.name() + ".gelu", block.wide().linear(emit, normed));
    Tensor both =
        emit.add(
            block.name() + ".both",
            block.attended().linear(emit, attended),
            block.narrow().linear(emit, wide));
    return emit.add(block.name() + ".residual", x, both);
  }

  @Override
  public Tensor logits(Emitter emit, Tensor hidden) {
    return emit.linear("logits", hidden, tokens, Optional.empty());
  }

  @Override
  public List<KeyValueCache> caches(int batch, int length) {
    Shape shape = Shape.of(batch, length, config.channels());
    return IntStream.range(0, config.layers())
        .mapToObj(i -> KeyValueCache.of("block" + i, i, shape))
        .toList();
  }

  public static void main(String[] args) {
    Training training =
        (args.length > 0 ? Training.of(args[0]) : Training.ofJdkSources())
            .withModel(new Config(new Sizes(2, 2, 64, 64, 256)))
            .withBatch(4, 64)
            .withSteps(60);
    try (Anneal run = Anneal.begin(training, "cpu")) {
      IO.println("untrained: %.3f".formatted(run.evaluate()));
      run.train();
      IO.println("trained: %.3f".formatted(run.evaluate()));
      run.sample("", 60).forEach(IO::print);
      IO.println();
      if (args.length > 1) {
        run.save(Path.of(args[1]));
      }
    }
    if (args.length > 1) {
      try (Anneal again = Anneal.load(Path.of(args[1]), "cpu", FAMILY)) {
        IO.println("loaded: %.3f".formatted(again.evaluate()));
      }
    }
  }
}
