package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.plan.Precision;
import dev.anneal.session.RunConfig;
import dev.anneal.training.AdamWSettings;
import dev.anneal.training.Schedule;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Option;

/**
 * How to train. What is not given comes from one of two recipes: llm.c's defaults for OpenAI's
 * models, and for the small model one that learns the most in three minutes on two cores.
 */
final class TrainingOptions {
  /** Defaults of one recipe. */
  private record Recipe(
      int steps,
      int batch,
      int sequence,
      double lr,
      int warmup,
      double finalFraction,
      double weightDecay,
      int evaluateEvery,
      int evaluationBatches,
      int sampleTokens,
      int checkpointEvery) {}

  private static final Recipe LLM_C = new Recipe(100, 4, 1024, 3e-4, 0, 1.0, 0, 20, 20, 64, 0);
  private static final Recipe SMALL =
      new Recipe(5000, 8, 128, 4e-3, 100, 0.05, 0.1, 500, 20, 600, 1000);

  @Option(names = "--steps", paramLabel = "N", description = "updates, and the schedule's horizon")
  private Optional<Integer> steps = Optional.empty();

  @Option(names = "--batch", paramLabel = "B", description = "sequences per pass")
  private Optional<Integer> batch = Optional.empty();

  @Option(names = "--seq", paramLabel = "T", description = "tokens per sequence")
  private Optional<Integer> sequence = Optional.empty();

  @Option(
      names = "--total-batch",
      paramLabel = "TOKENS",
      description = "tokens per update, a multiple of B x T: gradients are accumulated")
  private Optional<Integer> totalBatch = Optional.empty();

  @Option(names = "--lr", paramLabel = "X", description = "peak learning rate")
  private Optional<Double> lr = Optional.empty();

  @Option(
      names = "--schedule",
      defaultValue = "cosine",
      description = "cosine, linear, constant or wsd; ${DEFAULT-VALUE} by default")
  private Schedule.Shape schedule;

  @Option(names = "--warmup", paramLabel = "N", description = "steps of linear warm-up")
  private Optional<Integer> warmup = Optional.empty();

  @Option(
      names = "--final-lr-fraction",
      paramLabel = "X",
      description = "of the peak, at the last step")
  private Optional<Double> finalFraction = Optional.empty();

  @Option(names = "--weight-decay", paramLabel = "X", description = "on matrices only")
  private Optional<Float> weightDecay = Optional.empty();

  @Option(names = "--beta1", defaultValue = "0.9", description = "${DEFAULT-VALUE} by default")
  private float beta1;

  @Option(names = "--beta2", defaultValue = "0.95", description = "${DEFAULT-VALUE} by default")
  private float beta2;

  @Option(
      names = "--clip",
      paramLabel = "NORM",
      defaultValue = "1.0",
      description = "largest global gradient norm, 0 for none; ${DEFAULT-VALUE} by default")
  private float clip;

  @Option(
      names = "--master-weights",
      paramLabel = "on|off",
      defaultValue = "on",
      description =
          "off: with --dtype bf16, the parameters themselves have 16 bits, which AdamW rounds"
              + " stochastically, and there are no fp32 ones; the same as --dtype pure_bf16")
  private Masters masters;

  private enum Masters {
    ON,
    OFF
  }

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "" + RunConfig.DEFAULT_SEED,
      description = "${DEFAULT-VALUE} by default")
  private long seed;

  @Option(
      names = "--val-every",
      paramLabel = "N",
      description = "steps between validations, 0 for none")
  private Optional<Integer> evaluateEvery = Optional.empty();

  @Option(
      names = "--val-batches",
      paramLabel = "N",
      description = "batches per validation, at most")
  private Optional<Integer> evaluationBatches = Optional.empty();

  @Option(
      names = "--sample-every",
      paramLabel = "N",
      defaultValue = "0",
      description = "steps between samples; one is drawn at the end")
  private int sampleEvery;

  @Option(
      names = "--sample-tokens",
      paramLabel = "N",
      description = "tokens per sample, 0 for none")
  private Optional<Integer> sampleTokens = Optional.empty();

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      description = "steps; one is written at the end")
  private Optional<Integer> checkpointEvery = Optional.empty();

  @Option(
      names = "--keep",
      paramLabel = "N",
      defaultValue = "2",
      description = "checkpoints kept, 0 for all; ${DEFAULT-VALUE} by default")
  private int keep;

  RunConfig config(ModelOptions model, PlanOptions plan, RunConfig.Data data, int vocabulary) {
    Recipe recipe = model.isNamed() ? LLM_C : SMALL;
    int b = batch.orElse(recipe.batch());
    int t = sequence.orElse(recipe.sequence());
    int horizon = steps.orElse(recipe.steps());
    return new RunConfig(
        model.config(vocabulary, t),
        data,
        b,
        t,
        totalBatch.map(total -> RunConfig.microSteps(total, b, t)).orElse(1),
        new Schedule(
            schedule,
            lr.orElse(recipe.lr()),
            warmup.orElse(Math.min(recipe.warmup(), horizon / 10)),
            horizon,
            finalFraction.orElse(recipe.finalFraction())),
        new AdamWSettings(
            beta1,
            beta2,
            1e-8f,
            weightDecay.orElse((float) recipe.weightDecay()),
            AdamWSettings.Decay.MATRICES,
            clip > 0 ? clip : Float.POSITIVE_INFINITY),
        plan.recompute,
        plan.classifierChunks,
        precision(plan),
        seed,
        new RunConfig.Intervals(
            evaluateEvery.orElse(recipe.evaluateEvery()),
            evaluationBatches.orElse(recipe.evaluationBatches()),
            sampleEvery,
            sampleTokens.orElse(recipe.sampleTokens()),
            checkpointEvery.orElse(recipe.checkpointEvery()),
            keep));
  }

  private Precision precision(PlanOptions plan) {
    if (masters == Masters.ON) {
      return plan.precision;
    }
    if (plan.precision != Precision.BF16 && plan.precision != Precision.PURE_BF16) {
      throw Failure.usage(
          "--master-weights off: --dtype "
              + plan.precision.name().toLowerCase(Locale.ROOT)
              + " has no masters to leave out; take --dtype bf16");
    }
    return Precision.PURE_BF16;
  }
}
