package dev.anneal.terminal.option;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.optimizer.AdamW;
import dev.anneal.optimizer.Muon;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.training.TrainingDefaults;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How parameters follow their gradients. */
final class OptimizerOptions {
  @Option(
      names = "--optimizer",
      paramLabel = OptimizerKind.LABEL,
      description = OptimizerKind.DESCRIPTION)
  private Optional<OptimizerKind> kind = Optional.empty();

  @Option(
      names = "--muon-lr",
      paramLabel = "X",
      description =
          "peak learning rate of Muon's matrices, along the same schedule; "
              + Muon.LEARNING_RATE
              + " by default")
  private Optional<Double> muonRate = Optional.empty();

  @Option(
      names = "--muon-momentum",
      paramLabel = "X",
      description = "of Muon; " + Muon.MOMENTUM + " by default")
  private Optional<Float> muonMomentum = Optional.empty();

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      description =
          "on matrices only"
              + TrainingOptions.BY_DEFAULT
              + TrainingDefaults.Small.WEIGHT_DECAY
              + TrainingOptions.WITH_MODEL
              + TrainingDefaults.LlmC.WEIGHT_DECAY)
  private Optional<Float> weightDecay = Optional.empty();

  @Option(names = "--beta1", paramLabel = "X", description = "of AdamW; 0.9 by default")
  private Optional<Float> beta1 = Optional.empty();

  @Option(names = "--beta2", paramLabel = "X", description = "of AdamW; 0.95 by default")
  private Optional<Float> beta2 = Optional.empty();

  @Option(
      names = "--clip",
      paramLabel = "NORM",
      description = "largest global gradient norm, 0 for none; 1.0 by default")
  private Optional<Float> clip = Optional.empty();

  /**
   * What is given, and {@code base} for the rest.
   *
   * @param peak of the schedule, which is AdamW's
   * @throws Failure when something is of another optimizer
   */
  Optimizer configured(Optimizer base, double peak) {
    muonRate.ifPresent(x -> Setting.MUON_LR.real(Written.OPTION, x));
    muonMomentum.ifPresent(x -> Setting.MUON_MOMENTUM.real(Written.OPTION, x));
    AdamW from = base.adamW();
    AdamW adamW =
        new AdamW(
            beta1.orElse(from.beta1()),
            beta2.orElse(from.beta2()),
            from.epsilon(),
            weightDecay.orElse(from.weightDecay()),
            from.decay(),
            clip.map(norm -> norm == 0 ? Float.POSITIVE_INFINITY : clipped(norm))
                .orElse(from.maxNorm()));
    if (kind.orElse(base instanceof Muon ? OptimizerKind.MUON : OptimizerKind.ADAMW)
        == OptimizerKind.MUON) {
      return muon(adamW, base, peak);
    }
    if (muonRate.isPresent() || muonMomentum.isPresent()) {
      throw Failure.usage(
          setting(muonRate.isPresent() ? "muon-lr" : "muon-momentum")
              + " is of another optimizer; add "
              + setting("optimizer")
              + " muon, or leave it out");
    }
    return adamW;
  }

  private Muon muon(AdamW adamW, Optimizer base, double peak) {
    Optional<Muon> before = base instanceof Muon muon ? Optional.of(muon) : Optional.empty();
    double rate =
        muonRate
            .map(x -> x / peak)
            .orElseGet(
                () -> before.map(muon -> (double) muon.rate()).orElse(Muon.LEARNING_RATE / peak));
    return new Muon(
        adamW,
        (float) rate,
        muonMomentum.or(() -> before.map(Muon::momentum)).orElse(Muon.MOMENTUM),
        adamW.weightDecay());
  }

  private static float clipped(float norm) {
    return (float) Setting.CLIP.real(Written.OPTION, norm);
  }
}
