package dev.anneal.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.model.Gpt2;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.EightBitProducts;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What of a step is multiplied in 8 bits, what is not, and whose scales are whose. */
class EightBitProductsTest {
  private static final int LAYERS = 2;

  /** Of each block's four linear layers: forward, by the input's gradient, by the weight's. */
  private static final int PRODUCTS = LAYERS * 4 * 3;

  private static final Model MODEL = new Gpt2.Config(LAYERS, 2, 16, 8, 19).model();

  private static TrainingPlans plans(
      Model model, Precision precision, Recompute recompute, int sequence, int microSteps) {
    Storage storage =
        new Storage(
            precision, precision.lossScale(), Optional.of(DType.BF16), precision.eightBits());
    StepRecipe options =
        new StepRecipe(
            model,
            2,
            sequence,
            microSteps,
            AdamW.defaults(),
            recompute,
            Optional.empty(),
            precision);
    return TrainingPlans.of(options, List.of(), storage);
  }

  private static TrainingPlans plans(Precision precision, Recompute recompute) {
    return plans(MODEL, precision, recompute, 8, 1);
  }

  private static <T extends Op> List<T> ops(Plan plan, Class<T> kind) {
    return plan.ops().stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private static Map<String, Long> counts(Plan plan) {
    return plan.ops().stream().collect(Collectors.groupingBy(Op::kind, Collectors.counting()));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP8", "FP8_HYBRID"})
  void theBlocksLinearLayersAndNothingElseHaveEightBits(Precision precision) {
    Plan eight = plans(precision, Recompute.NONE).step();
    Map<String, Long> wide = new HashMap<>(counts(plans(Precision.BF16, Recompute.NONE).step()));
    Map<String, Long> narrow = new HashMap<>(counts(eight));
    assertEquals(PRODUCTS, narrow.remove("ScaledMatmul"));
    // Each of an input, a weight and a gradient per layer, whichever products read it.
    assertEquals(PRODUCTS, narrow.remove("Quantize"));
    for (String kind : List.of("MatmulForward", "MatmulBackwardInput", "MatmulBackwardWeight")) {
      assertEquals(LAYERS * 4 + 1, wide.remove(kind), kind);
      assertEquals(1, narrow.remove(kind), "the classifier alone has " + kind);
    }
    assertEquals(wide, narrow, "all other ops are as they were");
    for (Op op : eight.ops()) {
      if (!(op instanceof Op.EightBit)) {
        Set<Tensor> tensors = new HashSet<>(op.reads());
        tensors.addAll(op.writes());
        assertTrue(
            tensors.stream().allMatch(t -> t.dtype().bytes() > 1), op.kind() + " has 8 bits");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"FP8, F8E4M3", "FP8_HYBRID, F8E5M2"})
  void gradientsAloneHaveTheFormatOfGradients(Precision precision, DType ofGradients) {
    Plan plan = plans(precision, Recompute.NONE).step();
    Set<Tensor> written = new HashSet<>();
    boolean backward = false;
    int gradients = 0;
    for (Op op : plan.ops()) {
      backward |= op instanceof Op.Fill;
      if (op instanceof Op.Quantize quantize) {
        // An activation's gradient is what the backward pass has written.
        boolean gradient = written.contains(quantize.in()) && !isWeight(quantize);
        gradients += gradient ? 1 : 0;
        assertEquals(gradient ? ofGradients : DType.F8E4M3, quantize.format(), quantize.in() + "");
        quantize.out().ifPresent(out -> assertEquals(quantize.format(), out.dtype()));
        quantize.transposed().ifPresent(out -> assertEquals(quantize.format(), out.dtype()));
        assertEquals(DType.F32, quantize.scale().dtype());
      }
      if (backward) {
        written.addAll(op.writes());
      }
    }
    assertEquals(LAYERS * 4, gradients);
  }

  @Test
  void aTensorIsQuantizedOnceAndAllItsProductsShareItsScale() {
    Plan plan = plans(Precision.FP8_HYBRID, Recompute.NONE).step();
    Map<Tensor, Op.Quantize> makers = new HashMap<>();
    Set<Tensor> sources = new HashSet<>();
    for (Op.Quantize quantize : ops(plan, Op.Quantize.class)) {
      assertTrue(sources.add(quantize.in()), quantize.in() + " is quantized twice");
      quantize.out().ifPresent(out -> makers.put(out, quantize));
      quantize.transposed().ifPresent(out -> makers.put(out, quantize));
    }
    Map<Tensor, Integer> uses = new HashMap<>();
    for (Op.ScaledMatmul product : ops(plan, Op.ScaledMatmul.class)) {
      assertEquals(makers.get(product.a()).scale(), product.aScale());
      assertEquals(makers.get(product.b()).scale(), product.bScale());
      uses.merge(product.aScale(), 1, Integer::sum);
      uses.merge(product.bScale(), 1, Integer::sum);
    }
    // An input: forward, weight's gradient. A weight: forward, input's. A gradient: both gradients.
    assertTrue(uses.values().stream().allMatch(n -> n == 2), uses + "");
  }

  /** Hopper's demand: (M,K) times (N,K), both with K innermost. */
  @ParameterizedTest
  @EnumSource
  void bothOperandsHaveTheInnerDimensionInnermost(Recompute recompute) {
    for (Op.ScaledMatmul product :
        ops(plans(Precision.FP8, recompute).step(), Op.ScaledMatmul.class)) {
      Shape out = product.out().shape();
      assertEquals(out.rows(), product.a().shape().dim(0));
      assertEquals(out.dim(-1), product.b().shape().dim(0));
      assertEquals(product.a().shape().dim(1), product.b().shape().dim(1));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsQuantizedIsCurrentWhenItIsMultiplied(Recompute recompute) {
    TrainingPlans plans = plans(Precision.FP8, recompute);
    Map<Tensor, Tensor> sources = new HashMap<>();
    List<Op> all = new ArrayList<>(plans.refresh().orElseThrow().ops());
    all.addAll(plans.step().ops());
    // What the update has left is there for the next step.
    all.addAll(plans.step().ops());
    for (Op op : all) {
      if (op instanceof Op.ScaledMatmul product) {
        for (Tensor operand : List.of(product.a(), product.b())) {
          assertTrue(sources.containsKey(operand), operand + " is old or not there");
        }
      }
      sources.values().removeAll(op.writes());
      if (op instanceof Op.Quantize quantize) {
        quantize.out().ifPresent(out -> sources.put(out, quantize.in()));
        quantize.transposed().ifPresent(out -> sources.put(out, quantize.in()));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"16, 4", "24, 8"})
  void sizesThatAreNoMultiplesOfSixteenStayAsTheyWere(int channels, int sequence) {
    Model model = new Gpt2.Config(1, 2, channels, 8, 19).model();
    Plan plan = plans(model, Precision.FP8, Recompute.NONE, sequence, 1).step();
    // Of 24 channels, four times as many are a multiple of 16, but no layer has that on both sides.
    assertEquals(List.of(), ops(plan, Op.EightBit.class));
  }

  @Test
  void theEvaluationMultipliesForwardAsTrainingDoes() {
    TrainingPlans plans = plans(Precision.FP8, Recompute.NONE);
    assertEquals(LAYERS * 4, ops(plans.evaluation(), Op.ScaledMatmul.class).size());
    // Of inputs: those of the weights are there already.
    assertEquals(LAYERS * 4, ops(plans.evaluation(), Op.Quantize.class).size());
    assertTrue(
        ops(plans.evaluation(), Op.Quantize.class).stream()
            .allMatch(q -> q.out().isPresent() && q.transposed().isEmpty()));
  }

  @Test
  void laterMicroStepsAddToTheWeightsGradientsAndToNothingElse() {
    List<Plan> micro = plans(MODEL, Precision.FP8, Recompute.BLOCK, 8, 3).microSteps();
    Set<Tensor> gradients =
        MODEL.parameters().stream().map(Parameter::gradient).collect(Collectors.toSet());
    for (int i = 0; i < 3; i++) {
      for (Op.ScaledMatmul product : ops(micro.get(i), Op.ScaledMatmul.class)) {
        assertEquals(i > 0 && gradients.contains(product.out()), product.accumulate());
      }
    }
  }

  @Test
  void recomputationQuantizesAgainWhatItComputesAgainButNoWeight() {
    Plan kept = plans(Precision.FP8, Recompute.NONE).step();
    Plan again = plans(Precision.FP8, Recompute.BLOCK).step();
    Set<String> quantized = new HashSet<>();
    for (Op.Quantize quantize : ops(again, Op.Quantize.class)) {
      assertTrue(quantized.add(quantize.in().name()), quantize.in() + " twice");
    }
    long weights =
        ops(again, Op.Quantize.class).stream().filter(EightBitProductsTest::isWeight).count();
    assertEquals(LAYERS * 4, weights);
    assertTrue(ops(again, Op.ScaledMatmul.class).size() > ops(kept, Op.ScaledMatmul.class).size());
    assertFalse(
        ops(again, Op.MatmulForward.class).stream()
            .anyMatch(o -> o.weight().name().startsWith("h.")));
  }

  private static boolean isWeight(Op.Quantize quantize) {
    return quantize.in().arena() == Arena.WEIGHTS;
  }

  /** In the one place where all copies are made anew, and where an update makes them. */
  @Test
  void weightsAreQuantizedAfterTheyChangeAndNowhereElse() {
    TrainingPlans plans = plans(MODEL, Precision.FP8, Recompute.BLOCK, 8, 3);
    List<Op.Quantize> made = ops(plans.refresh().orElseThrow(), Op.Quantize.class);
    assertEquals(LAYERS * 4, made.size());
    List<Op> step = plans.step().ops();
    assertEquals(made, step.subList(step.size() - made.size(), step.size()));
    for (Plan plan : List.of(plans.microSteps().getFirst(), plans.evaluation())) {
      assertTrue(ops(plan, Op.Quantize.class).stream().noneMatch(EightBitProductsTest::isWeight));
    }
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
    run.run(plans.refresh().orElseThrow().ops());
    plans.microSteps().forEach(plan -> run.run(plan.ops()));
    return run;
  }

  @ParameterizedTest
  @EnumSource(names = {"GELU", "BLOCK"})
  void recomputationKeepsTheBits(Recompute recompute) {
    ReferenceInterpreter kept = step(plans(Precision.FP8, Recompute.NONE));
    ReferenceInterpreter again = step(plans(Precision.FP8, recompute));
    for (Parameter parameter : MODEL.parameters()) {
      assertArrayEquals(
          kept.get(parameter.gradient()), again.get(parameter.gradient()), parameter.name());
    }
  }

  /** The same batch twice: half of a gradient and half of it is the whole, within fp32. */
  @Test
  void microStepsOfOneBatchHaveItsGradients() {
    ReferenceInterpreter one = step(plans(Precision.FP8, Recompute.NONE));
    ReferenceInterpreter two = step(plans(MODEL, Precision.FP8, Recompute.NONE, 8, 2));
    for (Parameter parameter : MODEL.parameters()) {
      double[] whole = one.get(parameter.gradient());
      double largest = 0;
      for (double x : whole) {
        largest = Math.max(largest, Math.abs(x));
      }
      assertArrayEquals(whole, two.get(parameter.gradient()), 1e-6 * largest, parameter.name());
    }
  }

  /**
   * One number of E4M3 is off by at most 1/16, of E5M2 by 1/8; here they pass through two blocks.
   */
  @ParameterizedTest
  @CsvSource({"FP8, 0.1", "FP8_HYBRID, 0.15"})
  void gradientsAreNearThoseOfSixteenBits(Precision precision, double tolerance) {
    TrainingPlans wide = plans(Precision.BF16, Recompute.NONE);
    TrainingPlans narrow = plans(precision, Recompute.NONE);
    ReferenceInterpreter sixteen = step(wide);
    ReferenceInterpreter eight = step(narrow);
    double loss = sixteen.get(wide.loss())[0];
    assertEquals(loss, eight.get(narrow.loss())[0], 0.03 * loss);
    double difference = 0;
    double size = 0;
    for (Parameter parameter : MODEL.parameters()) {
      double[] a = sixteen.get(parameter.gradient());
      double[] b = eight.get(parameter.gradient());
      for (int i = 0; i < a.length; i++) {
        difference += Math.pow(b[i] - a[i], 2);
        size += a[i] * a[i];
      }
    }
    double error = Math.sqrt(difference / size);
    assertTrue(error < tolerance, "the gradient is off by " + error);
    assertTrue(error > 0.005, "off by only " + error + ", so that these are the bits of 16");
  }

  @Test
  void operandsKeptInFp32HaveTheSameNumbers() {
    EightBitProducts stored = Precision.FP8_HYBRID.eightBits().orElseThrow();
    Plan eight = plans(Precision.FP8_HYBRID, Recompute.NONE).step();
    List<Op> sixteen = plans(Precision.BF16, Recompute.NONE).step().ops();
    List<Op> wide = new ArrayList<>(stored.unstored().apply(sixteen));
    wide.addAll(stored.unstored().ofWeights(sixteen));
    List<Op> narrow = new ArrayList<>(stored.apply(sixteen));
    narrow.addAll(stored.ofWeights(sixteen));
    assertEquals(eight.ops().size(), narrow.size());
    for (int i = 0; i < wide.size(); i++) {
      assertEquals(narrow.get(i).kind(), wide.get(i).kind());
      if (wide.get(i) instanceof Op.Quantize quantize) {
        assertEquals(((Op.Quantize) narrow.get(i)).format(), quantize.format());
        quantize.out().ifPresent(out -> assertEquals(DType.F32, out.dtype()));
        quantize.transposed().ifPresent(out -> assertEquals(DType.F32, out.dtype()));
      }
    }
  }
}
