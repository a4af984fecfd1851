package dev.anneal.run.config;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.data.CorpusFiles;
import dev.anneal.data.TextRules;
import dev.anneal.failure.Failure;
import dev.anneal.model.AbsentModel;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.ModelFamily;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.training.Schedule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * All that decides a run's numbers, as its checkpoints keep it, and how often it reports.
 *
 * @param data what to train on
 * @param batch B, sequences per micro-step
 * @param sequence T, tokens per sequence
 * @param microSteps forward and backward passes per update
 * @param classifierChunks parts of a micro-step's tokens that have logits at once, 0 or 1 for all;
 *     what the device wants when empty
 * @param precision of activations
 * @param origin what its weights were before its first update; those that the seed gives when empty
 */
public record RunConfig(
    ModelConfig model,
    Data data,
    int batch,
    int sequence,
    int microSteps,
    Schedule schedule,
    Optimizer optimizer,
    Recompute recompute,
    Optional<Integer> classifierChunks,
    Precision precision,
    long seed,
    Intervals intervals,
    Optional<Origin> origin) {
  public static final long DEFAULT_SEED = 1337;

  /**
   * Where tokens come from.
   *
   * @param source files, as {@link CorpusFiles} takes them, or empty for the JDK's own sources
   * @param validation files for validation; otherwise a part of the source is held out
   * @param tokenizer that text becomes tokens with
   * @param text how text becomes documents; empty in runs from before there were rules: they go on
   *     as they began, with a text cut at empty lines whose beginning is held out
   */
  public record Data(
      Optional<String> source,
      Optional<String> validation,
      RunTokenizer tokenizer,
      Optional<TextRules> text) {
    /**
     * With every text file as one document.
     *
     * @param tokenizer {@code byte} or {@code gpt2}
     */
    public Data(Optional<String> source, Optional<String> validation, String tokenizer) {
      this(source, validation, RunTokenizer.named(tokenizer), Optional.of(TextRules.DEFAULT));
    }

    /** Refuses to go on with the run in {@code directory} without the file that it learns from. */
    public void requireThere(Path directory) {
      boolean pattern = source.map(name -> name.matches(".*[*?\\[{].*")).orElse(false);
      if (source.isPresent() && !pattern && Files.notExists(Path.of(source.get()))) {
        throw Failure.failed(
            "the data of "
                + directory
                + ", "
                + source.get()
                + ", is not there any more; train "
                + setting("resume")
                + " "
                + directory
                + " "
                + setting("data")
                + " PATH says where it is now");
      }
    }

    /** The same tokens, found elsewhere. */
    public Data movedTo(Optional<String> newSource, Optional<String> newValidation) {
      return new Data(
          newSource.or(this::source), newValidation.or(this::validation), tokenizer, text);
    }
  }

  /**
   * Weights that were trained elsewhere.
   *
   * @param from the checkpoint or file that they come from
   * @param sequence the longest text, in tokens, that they were trained on there
   */
  public record Origin(String from, int sequence) {
    public Origin {
      Setting.SEQ.whole(Written.OPTION, sequence);
    }
  }

  /**
   * Steps between things; 0 for never.
   *
   * @param evaluationBatches at most so many per evaluation
   * @param checkpointsKept the newest ones; 0 for all
   */
  public record Intervals(
      int evaluate,
      int evaluationBatches,
      int sample,
      int sampleTokens,
      int checkpoint,
      int checkpointsKept) {
    public Intervals {
      Setting.VAL_EVERY.whole(Written.OPTION, evaluate);
      Setting.VAL_BATCHES.whole(Written.OPTION, evaluationBatches);
      Setting.SAMPLE_EVERY.whole(Written.OPTION, sample);
      Setting.SAMPLE_TOKENS.whole(Written.OPTION, sampleTokens);
      Setting.CHECKPOINT_EVERY.whole(Written.OPTION, checkpoint);
      Setting.KEEP.whole(Written.OPTION, checkpointsKept);
      requireBatches(evaluate, evaluationBatches, Written.OPTION);
    }

    /** A validation without batches has no loss. */
    public static void requireBatches(int evaluate, int batches, Written where) {
      if (evaluate > 0 && batches < 1) {
        throw where.failure(
            where.name(Setting.VAL_BATCHES)
                + " is 0; expected at least 1 while "
                + where.name(Setting.VAL_EVERY)
                + " is "
                + evaluate
                + "; make that 0 for no validation");
      }
    }
  }

  public RunConfig {
    Setting.BATCH.whole(Written.OPTION, batch);
    Setting.SEQ.whole(Written.OPTION, sequence);
    Setting.MICRO_STEPS.whole(Written.OPTION, microSteps);
    classifierChunks.ifPresent(chunks -> Setting.CLASSIFIER_CHUNKS.whole(Written.OPTION, chunks));
    model.requireFits(sequence);
    if ((long) batch * sequence > Integer.MAX_VALUE / 4) {
      throw Failure.usage(
          setting("batch")
              + " "
              + batch
              + " times "
              + setting("seq")
              + " "
              + sequence
              + " is more tokens than one pass can take; lower "
              + setting("batch")
              + " and raise "
              + setting("total-batch"));
    }
    if ((long) batch * sequence * microSteps > Integer.MAX_VALUE) {
      throw Failure.usage(
          microSteps
              + " micro-steps of "
              + setting("batch")
              + " "
              + batch
              + " times "
              + setting("seq")
              + " "
              + sequence
              + " are more tokens than one update can take; lower "
              + setting("total-batch"));
    }
  }

  /** With as many chunks of logits as the device wants, and weights that the seed gives. */
  public RunConfig(
      ModelConfig model,
      Data data,
      int batch,
      int sequence,
      int microSteps,
      Schedule schedule,
      Optimizer optimizer,
      Recompute recompute,
      Precision precision,
      long seed,
      Intervals intervals) {
    this(
        model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        optimizer,
        recompute,
        Optional.empty(),
        precision,
        seed,
        intervals,
        Optional.empty());
  }

  /** Forward and backward passes per update for {@code totalBatch} tokens. */
  public static int microSteps(int totalBatch, int batch, int sequence) {
    Setting.TOTAL_BATCH.whole(Written.OPTION, totalBatch);
    Setting.BATCH.whole(Written.OPTION, batch);
    Setting.SEQ.whole(Written.OPTION, sequence);
    long tokens = (long) batch * sequence;
    if (totalBatch < tokens || totalBatch % tokens != 0) {
      long below = Math.max(1, totalBatch / tokens);
      throw Failure.usage(
          setting("total-batch")
              + " is "
              + totalBatch
              + " tokens, which is no multiple of "
              + setting("batch")
              + " "
              + batch
              + " times "
              + setting("seq")
              + " "
              + sequence
              + " = "
              + tokens
              + "; use "
              + below * tokens
              + " or "
              + (below + 1) * tokens
              + ", or lower "
              + setting("batch")
              + " or "
              + setting("seq"));
    }
    return (int) (totalBatch / tokens);
  }

  public int tokensPerStep() {
    return batch * sequence * microSteps;
  }

  /** Updates of the whole schedule. */
  public int steps() {
    return schedule.horizon();
  }

  /**
   * The longest text, in tokens, that the weights were trained on: beyond it, they have never seen
   * a position.
   */
  public int trainedLength() {
    return Math.min(
        model.context(), Math.max(sequence, origin.map(Origin::sequence).orElse(sequence)));
  }

  public RunConfig with(Schedule newSchedule) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        newSchedule,
        optimizer,
        recompute,
        classifierChunks,
        precision,
        seed,
        intervals,
        origin);
  }

  /**
   * The same with the code of its model, where that is a program's own.
   *
   * @throws Failure when the model is of another family
   */
  public RunConfig with(ModelFamily own) {
    String name = model.family().name();
    if (!name.equals(own.name())) {
      throw Failure.usage("the run's model is of the family " + name + ", and not " + own.name());
    }
    return new RunConfig(
        model instanceof AbsentModel absent ? absent.madeBy(own) : model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        optimizer,
        recompute,
        classifierChunks,
        precision,
        seed,
        intervals,
        origin);
  }

  public RunConfig with(Data newData) {
    return new RunConfig(
        model,
        newData,
        batch,
        sequence,
        microSteps,
        schedule,
        optimizer,
        recompute,
        classifierChunks,
        precision,
        seed,
        intervals,
        origin);
  }

  public RunConfig withClassifierChunks(int chunks) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        optimizer,
        recompute,
        Optional.of(chunks),
        precision,
        seed,
        intervals,
        origin);
  }

  public RunConfig with(Intervals newIntervals) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        optimizer,
        recompute,
        classifierChunks,
        precision,
        seed,
        newIntervals,
        origin);
  }

  public RunConfig with(Recompute newRecompute) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        optimizer,
        newRecompute,
        classifierChunks,
        precision,
        seed,
        intervals,
        origin);
  }

  public RunConfig from(Origin weights) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        optimizer,
        recompute,
        classifierChunks,
        precision,
        seed,
        intervals,
        Optional.of(weights));
  }
}
