package dev.anneal.eval;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.ModelFile;
import dev.anneal.checkpoint.ReferenceState;
import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Tensor;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.MemoryFloor;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.Trainer;
import dev.anneal.training.TrainingPlans;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Holds a device against PyTorch: the logits, the loss and every gradient of one batch, and then
 * the losses of some AdamW steps on it.
 *
 * @param logitsMaxAbs the largest difference of a logit
 * @param losses before each step
 */
public record Verification(
    double logitsMaxAbs,
    double loss,
    double lossExpected,
    List<Gradient> gradients,
    List<Double> losses) {
  private static final int CHUNK = 1 << 16;

  /**
   * The gradient of a parameter, or of all that are one tensor in the file.
   *
   * @param maxAbs the largest difference
   * @param relative the norm of the difference over the norm of what was expected
   */
  public record Gradient(String name, double maxAbs, double relative) {}

  /**
   * How far a whole step may be off, by default: loss and logits, and gradients relative in norm.
   */
  public static double tolerance(Precision precision) {
    return switch (precision) {
      case FP32 -> 1e-5;
      case TF32, FP16 -> 0.01;
      case BF16, PURE_BF16 -> 0.05;
      case FP8, FP8_HYBRID -> 0.1;
    };
  }

  /** Whether every difference is within {@code tolerance}. */
  public boolean within(double tolerance) {
    return logitsMaxAbs <= tolerance
        && Math.abs(loss - lossExpected) <= tolerance
        && gradients.stream().allMatch(g -> g.relative() <= tolerance);
  }

  /**
   * Runs the check.
   *
   * @param recipe of the steps
   * @param steps AdamW steps whose losses are wanted
   * @throws Failure when the model does not fit the device, or it has no such precision
   */
  public static Verification run(
      Device device,
      Precision precision,
      ModelFile checkpoint,
      ReferenceState state,
      VerificationRecipe recipe,
      int steps,
      double lr) {
    AdamW optimizer = recipe.optimizer();
    MemoryBill.requireSupported(precision, device);
    MemoryFloor.ofTraining(
            checkpoint.config(), optimizer, state.batch(), state.sequence(), precision)
        .requireFits(device);
    Model model = checkpoint.config().model();
    TrainingPlans plans =
        new StepRecipe(
                model,
                state.batch(),
                state.sequence(),
                1,
                optimizer,
                Recompute.NONE,
                Optional.empty(),
                precision)
            .on(device);
    MemoryBill.of(plans, device).requireFits(device);
    try (Trainer trainer = new Trainer(device, plans, optimizer)) {
      load(trainer, model, checkpoint);
      Trainer.Batches batch =
          (index, tokens, targets) -> {
            System.arraycopy(state.tokens(), 0, tokens, 0, tokens.length);
            System.arraycopy(state.targets(), 0, targets, 0, targets.length);
          };
      double loss = trainer.evaluate(batch, 1);
      double logits = compareLogits(trainer, state, checkpoint.config().vocabulary());
      List<Double> losses = new ArrayList<>();
      // The first step's gradients are those of the checkpoint's own weights.
      double first = trainer.step(batch, 0, 1, steps > 0 ? lr : 0).loss();
      List<Gradient> gradients = compareGradients(trainer, model, state);
      if (steps > 0) {
        losses.add(first);
      }
      for (int step = 2; step <= steps; step++) {
        losses.add(trainer.step(batch, 0, step, lr).loss());
      }
      return new Verification(logits, loss, state.loss(), gradients, List.copyOf(losses));
    }
  }

  private static void load(Trainer trainer, Model model, ModelFile checkpoint) {
    Map<String, Tensor> tensors = new HashMap<>();
    model.parameters().forEach(p -> tensors.put(p.name(), p.tensor()));
    checkpoint.readAll(
        (name, first, floats) ->
            trainer.write(requireNonNull(tensors.get(name)), 4 * first, floats));
  }

  private static double compareLogits(Trainer trainer, ReferenceState state, int vocabulary) {
    Tensor logits = trainer.plans().logits();
    long rows = logits.shape().rows();
    int padded = logits.shape().dim(-1);
    int size = logits.dtype().bytes();
    double max = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ours = arena.allocate((long) size * padded, 64);
      MemorySegment theirs = arena.allocate(ValueLayout.JAVA_FLOAT, vocabulary);
      for (long row = 0; row < rows; row++) {
        trainer.read(trainer.plans().evaluation(), logits, size * row * padded, ours);
        state.readLogits(row * vocabulary, theirs);
        for (int i = 0; i < vocabulary; i++) {
          float logit = Elements.get(ours, logits.dtype(), i);
          max = largest(max, Math.abs(logit - at(theirs, i)));
        }
      }
    }
    return max;
  }

  private static double at(MemorySegment floats, long i) {
    return floats.getAtIndex(ValueLayout.JAVA_FLOAT, i);
  }

  /** The larger one; NaN, which {@code Math.max} keeps, counts as wrong. */
  private static double largest(double a, double b) {
    return Math.max(a, b);
  }

  private static List<Gradient> compareGradients(
      Trainer trainer, Model model, ReferenceState state) {
    Map<String, Tensor> gradients = new HashMap<>();
    model.parameters().forEach(p -> gradients.put(p.name(), p.gradient()));
    List<Gradient> compared = new ArrayList<>();
    double scale = trainer.plans().lossScale();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ours = arena.allocate(ValueLayout.JAVA_FLOAT, CHUNK);
      MemorySegment theirs = arena.allocate(ValueLayout.JAVA_FLOAT, CHUNK);
      for (Map.Entry<String, List<String>> tensor : state.gradients().entrySet()) {
        double max = 0;
        double difference = 0;
        double expected = 0;
        for (String parameter : tensor.getValue()) {
          Tensor gradient = requireNonNull(gradients.get(parameter));
          for (long from = 0; from < gradient.elements(); from += CHUNK) {
            long count = Math.min(CHUNK, gradient.elements() - from);
            trainer.read(gradient, 4 * from, ours.asSlice(0, 4 * count));
            state.read(parameter, from, theirs.asSlice(0, 4 * count));
            for (long i = 0; i < count; i++) {
              double d = at(ours, i) / scale - at(theirs, i);
              max = largest(max, Math.abs(d));
              difference += d * d;
              expected += at(theirs, i) * at(theirs, i);
            }
          }
        }
        double relative = expected > 0 ? Math.sqrt(difference / expected) : Math.sqrt(difference);
        compared.add(new Gradient(tensor.getKey(), max, relative));
      }
    }
    return List.copyOf(compared);
  }
}
