package dev.anneal.training;

import dev.anneal.plan.ChunkedClassifier;
import dev.anneal.plan.EightBitProducts;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Rewrite;
import dev.anneal.plan.WeightCopies;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * All rewrites between the ops that a model emits and those that a device runs, in the one order in
 * which they are applied. No other code applies a rewrite to the ops of a plan, so that what one
 * command prints, checks or times is what another trains with.
 */
public final class RewritePipeline {
  /** What a list of ops is; a rewrite is applied to some of these. */
  enum Part {
    /** Forward and backward pass of a step's first micro-step. */
    GRADIENTS,
    /** The same of a later one, which adds to what the first has left. */
    LATER_GRADIENTS,
    /** The forward pass alone. */
    EVALUATION,
    /** From the gradients to new parameters. */
    UPDATE,
    /** The forward pass from cached keys and values. */
    DECODING;

    private static final Set<Part> BACKWARD = EnumSet.of(GRADIENTS, LATER_GRADIENTS);
    private static final Set<Part> PASSES = EnumSet.of(GRADIENTS, LATER_GRADIENTS, EVALUATION);
    private static final Set<Part> TRAINING = EnumSet.complementOf(EnumSet.of(DECODING));
    private static final Set<Part> ALL = EnumSet.allOf(Part.class);
  }

  private record Stage(Rewrite rewrite, Set<Part> parts) {}

  private final List<Stage> stages;
  private final Optional<EightBitProducts> eightBits;

  private RewritePipeline(List<Stage> stages, Optional<EightBitProducts> eightBits) {
    this.stages = List.copyOf(stages);
    this.eightBits = eightBits;
  }

  /**
   * The rewrites of a step.
   *
   * @param wanted by the device, or by any of those that are to run the same ops
   */
  static RewritePipeline of(StepRecipe recipe, List<Rewrite> wanted, Storage storage) {
    List<Stage> stages = new ArrayList<>();
    // These two look for ops as they were emitted, and for tensors that are still fp32.
    stages.add(new Stage(recipe.recompute(), Part.BACKWARD));
    long tokens = (long) recipe.batch() * recipe.sequence();
    ChunkedClassifier.chosen(wanted, recipe.classifierChunks(), tokens)
        .forEach(rewrite -> stages.add(new Stage(rewrite, Part.BACKWARD)));
    // What is to be read in another format must be a copy before formats are given.
    storage
        .weightCopies()
        .ifPresent(dtype -> stages.add(new Stage(new WeightCopies(dtype), Part.TRAINING)));
    stages.add(new Stage(storage.precision(), Part.ALL));
    stages.add(new Stage(Rewrite::accumulateGradients, EnumSet.of(Part.LATER_GRADIENTS)));
    // Last, since it quantises copies, and products that may add to a gradient.
    storage.eightBits().ifPresent(eight -> stages.add(new Stage(eight, Part.PASSES)));
    return new RewritePipeline(stages, storage.eightBits());
  }

  /** The ops of decoding from parameters that are stored as {@code precision} has them. */
  public static List<Op> decoding(Precision precision, List<Op> emitted) {
    return new RewritePipeline(List.of(new Stage(precision, Part.ALL)), Optional.empty())
        .apply(Part.DECODING, emitted);
  }

  /** The ops that a device runs. */
  List<Op> apply(Part part, List<Op> emitted) {
    return through(stages, part, emitted);
  }

  /**
   * What quantises the weights that products of 8 bits read, to be run when the weights have
   * changed.
   *
   * @param emitted ops of the forward and the backward pass
   */
  List<Op.Quantize> quantizedWeights(List<Op> emitted) {
    List<Stage> before =
        stages.stream().filter(s -> !(s.rewrite() instanceof EightBitProducts)).toList();
    return eightBits
        .map(eight -> eight.ofWeights(through(before, Part.GRADIENTS, emitted)))
        .orElse(List.of());
  }

  private static List<Op> through(List<Stage> stages, Part part, List<Op> emitted) {
    List<Op> ops = emitted;
    for (Stage stage : stages) {
      if (stage.parts().contains(part)) {
        ops = stage.rewrite().apply(ops);
      }
    }
    return ops;
  }
}
