package dev.anneal.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Role;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.plan.WeightCopies;
import dev.anneal.reference.ReferenceInterpreter;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Muon's update, held against the published program's own steps; see muon/README.md. */
class MuonTest {
  private static final float LR = 0.02f;
  private static final Tensor NORM = new Tensor("norm", DType.F32, Shape.of(), Arena.ACTIVATIONS);
  private static final Tensor SCHEDULE =
      new Tensor("schedule", DType.F32, Shape.of(3), Arena.INPUTS);
  private static final Optimizer.Inputs INPUTS =
      new Optimizer.Inputs(NORM, SCHEDULE, Optional.empty(), 1);

  private static Muon muon(float weightDecay) {
    AdamW unclipped =
        new AdamW(0.9f, 0.95f, 1e-8f, 0, AdamW.Decay.MATRICES, Float.POSITIVE_INFINITY);
    return new Muon(unclipped, 2, 0.95f, weightDecay);
  }

  private static Parameter parameter(String name, Role role, Optional<Integer> block, int... dims) {
    return new Parameter(
        new Tensor(name, DType.F32, Shape.of(dims), Arena.PARAMETERS, role, block),
        new Parameter.Initial.Constant(0));
  }

  static Stream<JsonNode> cases() throws IOException {
    try (InputStream file = MuonTest.class.getResourceAsStream("/muon/steps.json")) {
      JsonNode all = new ObjectMapper().readTree(file);
      return StreamSupport.stream(all.path("cases").spliterator(), false);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void takesThePublishedSteps(JsonNode example) {
    int rows = example.path("shape").path(0).asInt();
    int columns = example.path("shape").path(1).asInt();
    Parameter matrix = parameter("any", Role.MATRIX, Optional.of(3), rows, columns);
    List<Op> update = muon(0.01f).update(List.of(matrix), INPUTS);
    ReferenceInterpreter reference = new ReferenceInterpreter();
    reference.set(matrix.tensor(), numbers(example.path("parameter")));
    reference.set(NORM, 1);
    reference.set(SCHEDULE, LR / 2, 1, 1);
    for (JsonNode gradient : example.path("gradients")) {
      reference.set(matrix.gradient(), numbers(gradient));
      reference.run(update);
    }
    assertArrayEquals(
        numbers(example.path("f64").path("parameter_after_3_steps")),
        reference.get(matrix.tensor()),
        1e-6);
  }

  private static double[] numbers(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }

  @Test
  void isForTheMatricesOfBlocksAlone() {
    List<Parameter> parameters =
        List.of(
            parameter("embedding", Role.EMBEDDING, Optional.empty(), 8, 4),
            parameter("matrix", Role.MATRIX, Optional.of(0), 8, 4),
            parameter("norm", Role.NORM, Optional.of(0), 4),
            parameter("head", Role.MATRIX, Optional.empty(), 8, 4));
    List<Op.ParameterUpdate> updates =
        muon(0).update(parameters, INPUTS).stream()
            .filter(Op.ParameterUpdate.class::isInstance)
            .map(Op.ParameterUpdate.class::cast)
            .toList();
    assertEquals(
        List.of("matrix", "embedding", "norm", "head"),
        updates.stream().map(update -> update.parameter().name()).toList());
    assertTrue(updates.getFirst() instanceof MuonOp.MuonUpdate);
    assertEquals(3, updates.stream().filter(Op.AdamW.class::isInstance).count());
    assertEquals(
        List.of(2, 1, 2, 2), parameters.stream().map(p -> muon(0).state(p).size()).toList());
  }

  @Test
  void aBadBatchChangesNothing() {
    Parameter matrix = parameter("any", Role.MATRIX, Optional.of(0), 2, 3);
    ReferenceInterpreter reference = new ReferenceInterpreter();
    double[] before = {1, 2, 3, 4, 5, 6};
    reference.set(matrix.tensor(), before);
    reference.set(matrix.gradient(), 1, Double.NaN, 1, 1, 1, 1);
    reference.set(NORM, Double.NaN);
    reference.set(SCHEDULE, LR, 1, 1);
    reference.run(muon(0.1f).update(List.of(matrix), INPUTS));
    assertArrayEquals(before, reference.get(matrix.tensor()));
    assertArrayEquals(new double[6], reference.get(muon(0.1f).state(matrix).getFirst()));
  }

  @Test
  void everyUpdatedParametersCopyIsMadeAnew() {
    Parameter matrix = parameter("matrix", Role.MATRIX, Optional.of(0), 8, 4);
    Parameter norm = parameter("norm", Role.NORM, Optional.of(0), 4);
    WeightCopies copies = new WeightCopies(DType.BF16);
    List<Op> ops = copies.apply(muon(0).update(List.of(matrix, norm), INPUTS));
    assertEquals(
        List.of(copies.refresh(matrix.tensor()), copies.refresh(norm.tensor())),
        ops.stream().filter(Op.Cast.class::isInstance).toList());
  }
}
