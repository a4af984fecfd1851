package dev.anneal.session;

import dev.anneal.failure.Failure;
import dev.anneal.model.GptConfig;
import dev.anneal.plan.ChunkedClassifier;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.training.AdamWSettings;
import dev.anneal.training.Schedule;
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
 */
public record RunConfig(
    GptConfig model,
    Data data,
    int batch,
    int sequence,
    int microSteps,
    Schedule schedule,
    AdamWSettings adamW,
    Recompute recompute,
    Optional<Integer> classifierChunks,
    Precision precision,
    long seed,
    Intervals intervals) {
  public static final long DEFAULT_SEED = 1337;

  /**
   * Where tokens come from.
   *
   * @param source a file, a pattern of token shards, or empty for the JDK's own sources
   * @param validation token shards for validation; otherwise a part of the source is held out
   * @param tokenizer {@code byte} or {@code gpt2}
   */
  public record Data(Optional<String> source, Optional<String> validation, String tokenizer) {}

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
      int checkpointsKept) {}

  public RunConfig {
    requireAtLeastOne("--batch", batch);
    requireAtLeastOne("--seq", sequence);
    requireAtLeastOne("the number of micro-steps", microSteps);
    ChunkedClassifier.requireChunks(classifierChunks);
    if (sequence > model.context()) {
      throw Failure.usage(
          "--seq is "
              + sequence
              + ", longer than the model's context of "
              + model.context()
              + "; lower --seq or raise --context");
    }
    if ((long) batch * sequence > Integer.MAX_VALUE / 4) {
      throw Failure.usage(
          "--batch "
              + batch
              + " times --seq "
              + sequence
              + " is more tokens than one pass can take; lower --batch and raise --total-batch");
    }
  }

  /** With as many chunks of logits as the device wants. */
  public RunConfig(
      GptConfig model,
      Data data,
      int batch,
      int sequence,
      int microSteps,
      Schedule schedule,
      AdamWSettings adamW,
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
        adamW,
        recompute,
        Optional.empty(),
        precision,
        seed,
        intervals);
  }

  private static void requireAtLeastOne(String name, int value) {
    if (value < 1) {
      throw Failure.usage(name + " is " + value + "; expected at least 1");
    }
  }

  /** Forward and backward passes per update for {@code totalBatch} tokens. */
  public static int microSteps(int totalBatch, int batch, int sequence) {
    int tokens = Math.multiplyExact(batch, sequence);
    if (totalBatch < tokens || totalBatch % tokens != 0) {
      int below = Math.max(1, totalBatch / tokens);
      throw Failure.usage(
          "--total-batch is "
              + totalBatch
              + " tokens, which is no multiple of --batch "
              + batch
              + " times --seq "
              + sequence
              + " = "
              + tokens
              + "; use "
              + below * tokens
              + " or "
              + (below + 1) * tokens);
    }
    return totalBatch / tokens;
  }

  public int tokensPerStep() {
    return batch * sequence * microSteps;
  }

  /** Updates of the whole schedule. */
  public int steps() {
    return schedule.horizon();
  }

  RunConfig with(Schedule newSchedule) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        newSchedule,
        adamW,
        recompute,
        classifierChunks,
        precision,
        seed,
        intervals);
  }

  RunConfig withClassifierChunks(int chunks) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        adamW,
        recompute,
        Optional.of(chunks),
        precision,
        seed,
        intervals);
  }

  RunConfig with(Intervals newIntervals) {
    return new RunConfig(
        model,
        data,
        batch,
        sequence,
        microSteps,
        schedule,
        adamW,
        recompute,
        classifierChunks,
        precision,
        seed,
        newIntervals);
  }
}
