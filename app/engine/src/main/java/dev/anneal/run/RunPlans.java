package dev.anneal.run;

import dev.anneal.device.Device;
import dev.anneal.eval.Comparison;
import dev.anneal.model.Model;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.training.Initialization;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.MemoryFloor;
import dev.anneal.training.StepRecipe;

/** What a configuration asks for before it is a run: room on a device, steps, a comparison. */
public final class RunPlans {
  private RunPlans() {}

  /** Refuses what the device cannot hold or compute, before anything is read or built. */
  static void requireRoom(RunConfig config, Device device) {
    MemoryBill.requireSupported(config.precision(), device);
    floor(config).requireFits(device);
  }

  /** Refuses what no machine could hold. */
  public static void requirePossible(RunConfig config) {
    floor(config).requirePossible();
  }

  private static MemoryFloor floor(RunConfig config) {
    return MemoryFloor.ofTraining(
        config.model(), config.optimizer(), config.batch(), config.sequence(), config.precision());
  }

  /** What a step of it is. */
  static StepRecipe step(Model model, RunConfig config) {
    return new StepRecipe(
        model,
        config.batch(),
        config.sequence(),
        config.microSteps(),
        config.optimizer(),
        config.recompute(),
        config.classifierChunks(),
        config.precision());
  }

  /**
   * What a comparison needs to make the steps that a new run of {@code config} would begin with.
   */
  public static Comparison.Task comparison(RunConfig config, Corpus corpus) {
    requirePossible(config);
    Model model = config.model().model();
    return new Comparison.Task(
        step(model, config),
        corpus.training(),
        config.schedule()::learningRate,
        0,
        to -> {
          Initialization.initialize(to, model, config.seed());
          Initialization.clearMoments(to, model);
        });
  }
}
