package dev.anneal.eval.selftest;

import dev.anneal.model.Gpt2;
import dev.anneal.model.GptConfig;
import dev.anneal.model.Model;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.training.AdamWSettings;
import dev.anneal.training.StepOptions;
import java.util.List;
import java.util.Optional;

/**
 * A training step that a user could ask for.
 *
 * @param name one word
 * @param options of the step; the device adds what it wants
 */
record Scenario(String name, StepOptions options) {
  /** All of them at a precision. */
  static List<Scenario> of(Precision precision, boolean quick) {
    Sizes sizes =
        quick ? new Sizes(precision, 1, 1, 24, 131) : new Sizes(precision, 2, 4, 256, 997);
    return List.of(
        sizes.scenario("heads_64", 64, 1, Recompute.NONE, Optional.empty()),
        sizes.scenario("heads_128", 128, 1, Recompute.NONE, Optional.empty()),
        sizes.scenario("all_logits", 64, 1, Recompute.NONE, Optional.of(0)),
        sizes.scenario("chunked_classifier", 64, 1, Recompute.NONE, Optional.of(3)),
        sizes.scenario("accumulation", 64, 3, Recompute.NONE, Optional.empty()),
        sizes.scenario("recomputation", 64, 1, Recompute.BLOCK, Optional.empty()));
  }

  /**
   * Shapes that a device makes in little time.
   *
   * @param vocabulary no multiple of anything
   */
  private record Sizes(Precision precision, int layers, int heads, int sequence, int vocabulary) {
    Scenario scenario(
        String name, int headSize, int microSteps, Recompute recompute, Optional<Integer> chunks) {
      GptConfig config = new GptConfig(layers, heads, heads * headSize, sequence, vocabulary);
      Model model = new Gpt2(config);
      int batch = 2;
      return new Scenario(
          name,
          new StepOptions(
              model,
              batch,
              sequence,
              microSteps,
              AdamWSettings.defaults(),
              recompute,
              chunks,
              precision));
    }
  }
}
