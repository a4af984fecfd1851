package dev.anneal;

import dev.anneal.data.TextRules;
import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.ModelFamily;
import dev.anneal.model.Models;
import dev.anneal.model.Sizes;
import dev.anneal.optimizer.AdamW;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.config.RunTokenizer;
import dev.anneal.run.store.SavedRun;
import dev.anneal.tokenizer.ByteTokenizer;
import dev.anneal.tokenizer.Gpt2Tokenizer;
import dev.anneal.training.Schedule;
import dev.anneal.training.TrainingDefaults;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What is trained, on what, and how: all that decides a run's numbers. Two runs of the same
 * training on the same device have the same bits.
 *
 * @param config the whole of it, as checkpoints keep it
 */
public record Training(RunConfig config) {
  private static final int EVALUATION_BATCHES = 20;

  /** Nothing is done but what is asked for. */
  private static final RunConfig.Intervals BY_HAND =
      new RunConfig.Intervals(0, EVALUATION_BATCHES, 0, 0, 0, 0);

  /**
   * The small GPT-2 that {@code anneal train} trains, by its defaults, on bytes of {@code data}.
   *
   * @param data text files, folders or token shards, as {@code train} takes them
   */
  public static Training of(String data) {
    return of(Optional.of(data));
  }

  /** The same on the sources of this JDK, which every machine that runs this has. */
  public static Training ofJdkSources() {
    return of(Optional.empty());
  }

  private static Training of(Optional<String> data) {
    TrainingDefaults defaults = TrainingDefaults.SMALL;
    return new Training(
        new RunConfig(
            Models.DEFAULT.config(
                new Sizes(4, 4, 128, defaults.sequence(), ByteTokenizer.VOCABULARY)),
            new RunConfig.Data(data, Optional.empty(), "byte"),
            defaults.batch(),
            defaults.sequence(),
            1,
            schedule(defaults.lr(), defaults.steps()),
            AdamW.defaults().withWeightDecay((float) defaults.weightDecay()),
            Recompute.NONE,
            Precision.FP32,
            RunConfig.DEFAULT_SEED,
            BY_HAND));
  }

  /**
   * The training that a checkpoint is of.
   *
   * @param run a run's directory, for its newest checkpoint, or any checkpoint
   * @throws Failure when there is none
   */
  public static Training of(Path run) {
    return new Training(SavedRun.checkpoint(run, warning -> {}).config().with(BY_HAND));
  }

  /**
   * The same of a checkpoint whose model is a program's own.
   *
   * @param model the family that it is of
   * @throws Failure also when it is of another
   */
  public static Training of(Path run, ModelFamily model) {
    return new Training(of(run).config().with(model));
  }

  private static Schedule schedule(double peak, int steps) {
    TrainingDefaults defaults = TrainingDefaults.SMALL;
    int warmup = Math.min(defaults.warmup(), steps / 10);
    return new Schedule(Schedule.Known.COSINE, peak, warmup, steps, defaults.finalFraction());
  }

  /** On other data. */
  public Training withData(String source) {
    return new Training(
        config.with(
            new RunConfig.Data(
                Optional.of(source),
                Optional.empty(),
                config.data().tokenizer(),
                Optional.of(TextRules.DEFAULT))));
  }

  /** Of another model; a vocabulary of OpenAI's 50257 is the tokens of GPT-2, and 256 is bytes. */
  public Training withModel(ModelConfig model) {
    String tokenizer = model.vocabulary() == Gpt2Tokenizer.VOCABULARY ? "gpt2" : "byte";
    RunConfig.Data data = config.data();
    Training other =
        new Training(
            config.with(
                new RunConfig.Data(
                    data.source(), data.validation(), RunTokenizer.named(tokenizer), data.text())));
    return other.with(model, config.batch(), Math.min(config.sequence(), model.context()));
  }

  /**
   * Of the same family in other sizes, over the same tokens.
   *
   * @param context the longest sequence
   */
  public Training withSizes(int layers, int heads, int channels, int context) {
    int vocabulary = config.model().vocabulary();
    return withModel(
        config.model().resized(new Sizes(layers, heads, channels, context, vocabulary)));
  }

  /** In passes of {@code sequences} sequences of {@code tokens} tokens each. */
  public Training withBatch(int sequences, int tokens) {
    return with(config.model(), sequences, tokens);
  }

  private Training with(ModelConfig model, int batch, int sequence) {
    return with(
        model,
        batch,
        sequence,
        config.microSteps(),
        config.optimizer(),
        config.precision(),
        config.seed());
  }

  /** With the gradients of so many passes averaged per update. */
  public Training withMicroSteps(int passes) {
    return with(passes, config.optimizer(), config.precision(), config.seed());
  }

  /** With a cosine schedule of {@code steps} updates, which begins with a warm-up. */
  public Training withSteps(int steps) {
    return withSchedule(schedule(config.schedule().peak(), steps));
  }

  /** With a cosine schedule of as many updates, and another peak. */
  public Training withLearningRate(double peak) {
    return withSchedule(schedule(peak, config.steps()));
  }

  /** With another schedule, such as {@link Schedule#own}. */
  public Training withSchedule(Schedule schedule) {
    return new Training(config.with(schedule));
  }

  /** With other constants of the optimizer. */
  public Training withOptimizer(Optimizer optimizer) {
    return with(config.microSteps(), optimizer, config.precision(), config.seed());
  }

  /** With activations stored in another format, which the device must have. */
  public Training withPrecision(Precision precision) {
    return with(config.microSteps(), config.optimizer(), precision, config.seed());
  }

  /** With other first weights, and another order of the data. */
  public Training withSeed(long seed) {
    return with(config.microSteps(), config.optimizer(), config.precision(), seed);
  }

  private Training with(int microSteps, Optimizer optimizer, Precision precision, long seed) {
    return with(
        config.model(), config.batch(), config.sequence(), microSteps, optimizer, precision, seed);
  }

  private Training with(
      ModelConfig model,
      int batch,
      int sequence,
      int microSteps,
      Optimizer optimizer,
      Precision precision,
      long seed) {
    return new Training(
        new RunConfig(
            model,
            config.data(),
            batch,
            sequence,
            microSteps,
            config.schedule(),
            optimizer,
            config.recompute(),
            config.classifierChunks(),
            precision,
            seed,
            config.intervals(),
            config.origin()));
  }
}
