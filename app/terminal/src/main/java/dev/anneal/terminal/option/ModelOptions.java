package dev.anneal.terminal.option;

import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.Models;
import dev.anneal.model.Sizes;
import dev.anneal.setting.Nearest;
import dev.anneal.tokenizer.ByteTokenizer;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which model: one with a name, or sizes; without either, the small one. */
public final class ModelOptions {
  private static final int LAYERS = 4;
  private static final int HEADS = 4;
  private static final int CHANNELS = 128;
  private static final int CONTEXT = 128;

  /** What a laptop trains in minutes. */
  private static final ModelConfig SMALL =
      Models.DEFAULT.config(new Sizes(LAYERS, HEADS, CHANNELS, CONTEXT, ByteTokenizer.VOCABULARY));

  private static final String ITS_OWN = " by default, with --model its own";

  @Option(
      names = "--model",
      paramLabel = "NAME",
      completionCandidates = Names.class,
      description = "${COMPLETION-CANDIDATES}; a small GPT-2 when not given")
  private Optional<String> model = Optional.empty();

  @Option(
      names = "--layers",
      paramLabel = "L",
      description = "transformer blocks; " + LAYERS + ITS_OWN)
  private Optional<Integer> layers = Optional.empty();

  @Option(
      names = "--heads",
      paramLabel = "NH",
      description =
          "attention heads per block; "
              + HEADS
              + ITS_OWN
              + ", with --channels of 64 or 32 channels each")
  private Optional<Integer> heads = Optional.empty();

  @Option(
      names = "--channels",
      paramLabel = "C",
      description = "width of the residual stream; " + CHANNELS + ITS_OWN)
  private Optional<Integer> channels = Optional.empty();

  @Option(
      names = "--context",
      paramLabel = "maxT",
      description = "longest sequence; " + CONTEXT + " by default or as --seq, with --model 1024")
  private Optional<Integer> context = Optional.empty();

  /** What {@code --model} takes. */
  static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Models.names().iterator();
    }
  }

  /** Whether a model with a name was asked for. */
  public boolean isNamed() {
    return model.isPresent();
  }

  /** V where no data says it: that of the named model, else of bytes. */
  public int vocabulary() {
    return model.map(ModelOptions::named).orElse(SMALL).vocabulary();
  }

  /** The model, for tokens below {@code vocabulary}; a sequence of {@code needed} must fit. */
  public ModelConfig config(int vocabulary, int needed) {
    ModelConfig base = model.map(ModelOptions::named).orElse(SMALL);
    int c = channels.orElse(base.channels());
    return base.resized(
        new Sizes(
            layers.orElse(base.layers()),
            heads.orElseGet(() -> channels.isPresent() ? defaultHeads(c) : base.heads()),
            c,
            context.orElse(model.isPresent() ? base.context() : Math.max(base.context(), needed)),
            vocabulary));
  }

  /** Heads of 64 channels, as in GPT-2, or of 32 in a model that has few. */
  private static int defaultHeads(int channels) {
    for (int size : new int[] {64, 32, 16, 8}) {
      if (channels % size == 0 && channels / size >= 2) {
        return channels / size;
      }
    }
    return 1;
  }

  private static ModelConfig named(String name) {
    List<String> names = Models.names();
    if (names.stream().noneMatch(name::equalsIgnoreCase)) {
      throw Failure.usage(
          "no model is named "
              + name
              + Nearest.among(name, names)
              + ", or give --layers, --heads and --channels");
    }
    return Models.named(name);
  }
}
