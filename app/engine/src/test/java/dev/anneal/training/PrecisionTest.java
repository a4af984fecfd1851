package dev.anneal.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.model.Gpt2;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A plan whose activations are stored in 16 bits computes nearly the same. */
class PrecisionTest {
  private static final Model MODEL = new Gpt2.Config(2, 2, 16, 8, 19).model();

  private static TrainingPlans plans(Precision precision, Recompute recompute) {
    Storage storage =
        new Storage(precision, precision.lossScale(), Optional.empty(), Optional.empty());
    AdamW adamW = AdamW.defaults();
    StepRecipe options =
        new StepRecipe(MODEL, 2, 8, 1, adamW, recompute, Optional.empty(), precision);
    return TrainingPlans.of(options, List.of(), storage);
  }

  private static ReferenceInterpreter step(TrainingPlans plans) {
    ReferenceInterpreter run = new ReferenceInterpreter();
    int index = 0;
    for (Parameter parameter : MODEL.parameters()) {
      double[] values = run.get(parameter.tensor());
      for (int i = 0; i < values.length; i++) {
        values[i] = 0.3 * Philox.normal(Philox.bits(5, Philox.Purpose.TEST, index, i, 0));
      }
      index++;
    }
    for (int i = 0; i < 16; i++) {
      run.get(plans.inputs().tokens())[i] = i * 7 % 19;
      run.get(plans.inputs().targets())[i] = i * 5 % 19;
    }
    run.set(plans.inputs().schedule(), 1e-2, 0.1, 0.05);
    run.run(plans.step().ops());
    return run;
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"BF16", "FP16"})
  void aStepIsNearlyTheSame(Precision precision) {
    TrainingPlans exactPlans = plans(Precision.FP32, Recompute.NONE);
    TrainingPlans roughPlans = plans(precision, Recompute.NONE);
    ReferenceInterpreter exact = step(exactPlans);
    ReferenceInterpreter rough = step(roughPlans);
    double tolerance = precision == Precision.BF16 ? 3e-2 : 4e-3;
    double loss = exact.get(exactPlans.loss())[0];
    assertEquals(loss, rough.get(roughPlans.loss())[0], tolerance * loss);
    double norm = exact.get(exactPlans.norm())[0];
    assertEquals(norm, rough.get(roughPlans.norm())[0] / roughPlans.lossScale(), tolerance * norm);
    for (Parameter parameter : MODEL.parameters()) {
      double difference = 0;
      double size = 0;
      double[] a = exact.get(parameter.gradient());
      double[] b = rough.get(parameter.gradient());
      for (int i = 0; i < a.length; i++) {
        difference += Math.pow(b[i] / roughPlans.lossScale() - a[i], 2);
        size += a[i] * a[i];
      }
      assertTrue(
          Math.sqrt(difference) <= 2 * tolerance * Math.sqrt(size),
          parameter.name() + " is off by " + Math.sqrt(difference / size));
    }
  }

  @Test
  void onlyActivationsAreStoredInFewerBits() {
    for (Tensor tensor : plans(Precision.BF16, Recompute.BLOCK).step().tensors()) {
      if (tensor.arena() != Arena.ACTIVATIONS) {
        assertTrue(tensor.dtype() != DType.BF16, tensor + "");
      }
    }
  }

  /**
   * A number per sequence and token, or per head, too, summarises a row of channels, logits or
   * keys: means, deviations, sums, losses. All else that a step makes has rows of at least 16.
   */
  @Test
  void whatSummarisesARowStaysWhole() {
    Map<Integer, Integer> summaries = new HashMap<>();
    for (Tensor tensor : plans(Precision.BF16, Recompute.BLOCK).step().tensors()) {
      if (tensor.arena() != Arena.ACTIVATIONS) {
        continue;
      }
      Shape shape = tensor.shape();
      boolean summary = List.of(Shape.of(), Shape.of(2, 8), Shape.of(2, 2, 8)).contains(shape);
      assertEquals(summary ? DType.F32 : DType.BF16, tensor.dtype(), tensor + "");
      assertTrue(summary || shape.dim(-1) >= 16, tensor + "");
      summaries.merge(summary ? shape.rank() : -1, 1, Integer::sum);
    }
    // Two numbers per token of five layer norms and of the loss, the loss's gradient, and those
    // that are computed again.
    assertTrue(summaries.get(2) >= 13, summaries + "");
    // The log of the sum and the gradient's own sum, of two blocks.
    assertTrue(summaries.get(3) >= 4, summaries + "");
    assertTrue(summaries.get(0) >= 2, summaries + "");
    assertTrue(summaries.get(-1) >= 20, summaries + "");
  }

  @Test
  void activationsTakeAboutHalfTheMemory() {
    long whole = plans(Precision.FP32, Recompute.NONE).bytes().get(Arena.ACTIVATIONS);
    long half = plans(Precision.BF16, Recompute.NONE).bytes().get(Arena.ACTIVATIONS);
    assertTrue(half < 0.6 * whole, half + " of " + whole);
  }
}
