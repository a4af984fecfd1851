package dev.anneal.eval.selftest;

import dev.anneal.model.Model;
import dev.anneal.model.Models;
import dev.anneal.model.Sizes;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.training.StepRecipe;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A training step that a user could ask for.
 *
 * @param name one word
 * @param options of the step; the device adds what it wants
 */
record Scenario(String name, StepRecipe options) {
  /** What has bf16's kernels, and few others. */
  private static final Set<Precision> LIKE_BF16 =
      Set.of(Precision.PURE_BF16, Precision.FP8, Precision.FP8_HYBRID);

  /** All of them at a precision, or the most telling. */
  static List<Scenario> of(Precision precision, boolean quick) {
    Shapes shapes =
        quick ? new Shapes(precision, 1, 1, 24, 131) : new Shapes(precision, 2, 4, 256, 997);
    Scenario heads = shapes.scenario("heads_64", 64, 1, Recompute.NONE, Optional.empty());
    Scenario accumulation =
        shapes.scenario("accumulation", 64, 3, Recompute.NONE, Optional.empty());
    return quick && LIKE_BF16.contains(precision)
        ? List.of(heads, accumulation)
        : List.of(
            heads,
            shapes.scenario("heads_128", 128, 1, Recompute.NONE, Optional.empty()),
            accumulation,
            shapes.scenario("all_logits", 64, 1, Recompute.NONE, Optional.of(0)),
            shapes.scenario("chunked_classifier", 64, 1, Recompute.NONE, Optional.of(3)),
            shapes.scenario("recomputation", 64, 1, Recompute.BLOCK, Optional.empty()));
  }

  /**
   * Shapes that a device makes in little time.
   *
   * @param vocabulary no multiple of anything
   */
  private record Shapes(Precision precision, int layers, int heads, int sequence, int vocabulary) {
    Scenario scenario(
        String name, int headSize, int microSteps, Recompute recompute, Optional<Integer> chunks) {
      Sizes sizes = new Sizes(layers, heads, heads * headSize, sequence, vocabulary);
      Model model = Models.DEFAULT.config(sizes).model();
      int batch = 2;
      return new Scenario(
          name,
          new StepRecipe(
              model, batch, sequence, microSteps, AdamW.defaults(), recompute, chunks, precision));
    }
  }
}
