package dev.anneal.terminal.option;

import dev.anneal.failure.Failure;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.LiveSetting;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.training.Schedule;
import dev.anneal.training.TrainingDefaults;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/**
 * How to train. What is not given comes from one of two sets: llm.c's defaults for OpenAI's models,
 * and for the small model one that learns the most in three minutes on two cores.
 */
public final class TrainingOptions {
  private static final int EVALUATION_BATCHES = 20;
  private static final int KEPT = 2;
  static final String BY_DEFAULT = "; by default ";
  static final String WITH_MODEL = ", with --model ";

  @Option(
      names = "--steps",
      paramLabel = "N",
      description =
          "updates, and the schedule's horizon"
              + BY_DEFAULT
              + TrainingDefaults.Small.STEPS
              + WITH_MODEL
              + TrainingDefaults.LlmC.STEPS)
  private Optional<Integer> steps = Optional.empty();

  @Option(
      names = "--batch",
      paramLabel = "B",
      description =
          "sequences per pass"
              + BY_DEFAULT
              + TrainingDefaults.Small.BATCH
              + WITH_MODEL
              + TrainingDefaults.LlmC.BATCH)
  private Optional<Integer> batch = Optional.empty();

  @Option(
      names = "--seq",
      paramLabel = "T",
      description =
          "tokens per sequence"
              + BY_DEFAULT
              + TrainingDefaults.Small.SEQUENCE
              + WITH_MODEL
              + TrainingDefaults.LlmC.SEQUENCE)
  private Optional<Integer> sequence = Optional.empty();

  @Option(
      names = "--total-batch",
      paramLabel = "TOKENS",
      description =
          "tokens per update, a multiple of B x T: gradients are accumulated; B x T by default")
  private Optional<Integer> totalBatch = Optional.empty();

  @Option(
      names = "--lr",
      paramLabel = "X",
      description =
          "peak learning rate"
              + BY_DEFAULT
              + TrainingDefaults.Small.LR
              + WITH_MODEL
              + TrainingDefaults.LlmC.LR)
  private Optional<Double> lr = Optional.empty();

  @Option(names = "--schedule", description = "cosine, linear, constant or wsd; cosine by default")
  private Optional<Schedule.Known> schedule = Optional.empty();

  @Option(
      names = "--warmup",
      paramLabel = "N",
      description =
          "steps of linear warm-up"
              + BY_DEFAULT
              + TrainingDefaults.Small.WARMUP
              + ", at most a tenth of all"
              + WITH_MODEL
              + TrainingDefaults.LlmC.WARMUP)
  private Optional<Integer> warmup = Optional.empty();

  @Option(
      names = "--final-lr-fraction",
      paramLabel = "X",
      description =
          "of the peak, at the last step"
              + BY_DEFAULT
              + TrainingDefaults.Small.FINAL_FRACTION
              + WITH_MODEL
              + TrainingDefaults.LlmC.FINAL_FRACTION)
  private Optional<Double> finalFraction = Optional.empty();

  @ArgGroup(exclusive = false)
  private OptimizerOptions optimizer = new OptimizerOptions();

  @Option(
      names = "--master-weights",
      paramLabel = "on|off",
      description =
          "off: with --dtype bf16, the parameters themselves have 16 bits, which AdamW rounds"
              + " stochastically, and there are no fp32 ones; the same as --dtype pure_bf16;"
              + " on by default")
  private Optional<Masters> masters = Optional.empty();

  private enum Masters {
    ON,
    OFF
  }

  @Option(
      names = "--seed",
      paramLabel = "S",
      description =
          "of the first weights and of the data's order; " + RunConfig.DEFAULT_SEED + " by default")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--val-every",
      paramLabel = "N",
      description =
          "steps between validations, 0 for none"
              + BY_DEFAULT
              + TrainingDefaults.Small.EVALUATE_EVERY
              + WITH_MODEL
              + TrainingDefaults.LlmC.EVALUATE_EVERY)
  private Optional<Integer> evaluateEvery = Optional.empty();

  @Option(
      names = "--val-batches",
      paramLabel = "N",
      description = "batches per validation, at most" + BY_DEFAULT + EVALUATION_BATCHES)
  private Optional<Integer> evaluationBatches = Optional.empty();

  @Option(
      names = "--sample-every",
      paramLabel = "N",
      description = "steps between samples, 0 by default; one is drawn at the end")
  private Optional<Integer> sampleEvery = Optional.empty();

  @Option(
      names = "--sample-tokens",
      paramLabel = "N",
      description =
          "tokens per sample, 0 for none"
              + BY_DEFAULT
              + TrainingDefaults.Small.SAMPLE_TOKENS
              + WITH_MODEL
              + TrainingDefaults.LlmC.SAMPLE_TOKENS)
  private Optional<Integer> sampleTokens = Optional.empty();

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      description =
          "steps, 0 for none; one is written at the end"
              + BY_DEFAULT
              + TrainingDefaults.Small.CHECKPOINT_EVERY
              + WITH_MODEL
              + TrainingDefaults.LlmC.CHECKPOINT_EVERY)
  private Optional<Integer> checkpointEvery = Optional.empty();

  @Option(
      names = "--keep",
      paramLabel = "N",
      description = "checkpoints kept, 0 for all; " + KEPT + " by default")
  private Optional<Integer> keep = Optional.empty();

  /** A new run's. */
  public RunConfig config(
      ModelOptions model, PlanOptions plan, RunConfig.Data data, int vocabulary) {
    TrainingDefaults defaults = model.isNamed() ? TrainingDefaults.LLM_C : TrainingDefaults.SMALL;
    int b = Setting.BATCH.whole(Written.OPTION, batch.orElse(defaults.batch()));
    int t = Setting.SEQ.whole(Written.OPTION, sequence.orElse(defaults.sequence()));
    int horizon = Setting.STEPS.whole(Written.OPTION, steps.orElse(defaults.steps()));
    return configured(
        plan,
        lr,
        new RunConfig(
            model.config(vocabulary, t),
            data,
            b,
            t,
            1,
            new Schedule(
                Schedule.Known.COSINE,
                defaults.lr(),
                warmup.orElse(Math.min(defaults.warmup(), horizon / 10)),
                horizon,
                defaults.finalFraction()),
            AdamW.defaults().withWeightDecay((float) defaults.weightDecay()),
            Recompute.NONE,
            Precision.FP32,
            RunConfig.DEFAULT_SEED,
            new RunConfig.Intervals(
                defaults.evaluateEvery(),
                EVALUATION_BATCHES,
                0,
                defaults.sampleTokens(),
                defaults.checkpointEvery(),
                KEPT)));
  }

  /** That of a new run that begins with {@code weights}: as theirs, where nothing else is given. */
  public RunConfig tuning(Checkpoints.Saved weights, PlanOptions plan, RunConfig.Data data) {
    RunConfig base = weights.config();
    Schedule before = base.schedule();
    int horizon = Setting.STEPS.whole(Written.OPTION, steps.orElse(before.horizon()));
    return configured(
        plan,
        lr,
        base.with(data)
            .with(
                new Schedule(
                    before.shape(),
                    before.peakAt(weights.step() + 1),
                    Math.min(before.warmup(), horizon / 10),
                    horizon,
                    before.finalFraction())));
  }

  /** That of a new run that goes on with {@code base}, in which {@link #changes} are made. */
  public RunConfig branch(RunConfig base, PlanOptions plan, RunConfig.Data data) {
    return configured(plan, Optional.empty(), base.with(data));
  }

  /** What a run that goes on does differently from here on. */
  public SequencedMap<LiveSetting, String> changes() {
    SequencedMap<LiveSetting, String> changes = new LinkedHashMap<>();
    steps.ifPresent(n -> changes.put(LiveSetting.STEPS, n.toString()));
    lr.ifPresent(x -> changes.put(LiveSetting.LR, x.toString()));
    evaluationBatches.ifPresent(n -> changes.put(LiveSetting.VAL_BATCHES, n.toString()));
    evaluateEvery.ifPresent(n -> changes.put(LiveSetting.VAL_EVERY, n.toString()));
    sampleEvery.ifPresent(n -> changes.put(LiveSetting.SAMPLE_EVERY, n.toString()));
    sampleTokens.ifPresent(n -> changes.put(LiveSetting.SAMPLE_TOKENS, n.toString()));
    checkpointEvery.ifPresent(n -> changes.put(LiveSetting.CHECKPOINT_EVERY, n.toString()));
    keep.ifPresent(n -> changes.put(LiveSetting.KEEP, n.toString()));
    return changes;
  }

  /** What is given, and {@code base} for the rest. */
  private RunConfig configured(PlanOptions plan, Optional<Double> peak, RunConfig base) {
    int b = batch.orElse(base.batch());
    int t = sequence.orElse(base.sequence());
    Schedule rates = base.schedule();
    RunConfig.Intervals every = base.intervals();
    return new RunConfig(
        base.model(),
        base.data(),
        b,
        t,
        totalBatch.map(total -> RunConfig.microSteps(total, b, t)).orElse(base.microSteps()),
        new Schedule(
            schedule.<Schedule.Shape>map(known -> known).orElse(rates.shape()),
            peak.orElse(rates.peak()),
            warmup.orElse(rates.warmup()),
            rates.horizon(),
            finalFraction.orElse(rates.finalFraction()),
            rates.changes(),
            rates.extensions()),
        optimizer.configured(base.optimizer(), peak.orElse(rates.peak())),
        plan.recompute.orElse(base.recompute()),
        plan.classifierChunks.or(base::classifierChunks),
        precision(plan.precision.orElse(base.precision())),
        seed.orElse(base.seed()),
        new RunConfig.Intervals(
            evaluateEvery.orElse(every.evaluate()),
            evaluationBatches.orElse(every.evaluationBatches()),
            sampleEvery.orElse(every.sample()),
            sampleTokens.orElse(every.sampleTokens()),
            checkpointEvery.orElse(every.checkpoint()),
            keep.orElse(every.checkpointsKept())),
        base.origin());
  }

  private Precision precision(Precision chosen) {
    if (masters.isEmpty()) {
      return chosen;
    }
    if (masters.get() == Masters.ON) {
      if (chosen == Precision.PURE_BF16) {
        throw Failure.usage(
            "--master-weights on: --dtype pure_bf16 has none; take --dtype bf16, or leave"
                + " --master-weights out");
      }
      return chosen;
    }
    if (chosen != Precision.BF16 && chosen != Precision.PURE_BF16) {
      throw Failure.usage(
          "--master-weights off: --dtype "
              + chosen.name().toLowerCase(Locale.ROOT)
              + " has no masters to leave out; take --dtype bf16");
    }
    return Precision.PURE_BF16;
  }
}
