package dev.anneal.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.ops.OpCases;
import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Integers;
import dev.anneal.plan.Operand.Overwritable;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What ops' records say of their tensors, and that none can say less than all of it. */
class OperandsTest {
  /** Tensors with as many dimensions as one likes, since no other has to fit all of them. */
  private static final Set<String> FREE =
      Set.of(
          "Fill.out",
          "GlobalNorm.gradients",
          "MeanForward.in",
          "MeanBackward.dIn",
          "BiasBackward.dOut");

  private static List<Op> cases() {
    return OpCases.small().flatMap(run -> run.ops().stream()).toList();
  }

  private static Tensor tensor(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  @Test
  void everyOpSaysWhatItDoesWithEachTensor() {
    for (Class<?> kind : OpKinds.all()) {
      Operands.of(kind);
    }
    for (Op op : cases()) {
      assertTrue(op.operands().stream().anyMatch(o -> o.access() != Operand.Access.READ), op + "");
      Set<Tensor> all = new HashSet<>(op.reads());
      all.addAll(op.writes());
      assertEquals(Set.copyOf(op.tensors()), all);
    }
  }

  @Test
  void everyOpRefusesATensorOfAnotherShape() {
    Set<String> accepted = new HashSet<>();
    Set<Class<?>> tried = new HashSet<>();
    for (Op op : cases()) {
      tried.add(op.getClass());
      accepted.addAll(unchecked(op, op.operands()));
    }
    assertEquals(FREE, accepted);
    assertEquals(List.of(), OpKinds.missing(OpKinds.all(), tried));
  }

  /** The components of {@code op} that a tensor with one more dimension may stand in for. */
  private static List<String> unchecked(Object op, List<Operand> operands) {
    List<String> unchecked = new ArrayList<>();
    for (Operand operand : operands) {
      Tensor tensor = operand.tensor();
      List<Integer> dims = new ArrayList<>(tensor.shape().dims());
      dims.addFirst(2);
      Tensor wrong = tensor.like("wrong", tensor.dtype(), new Shape(dims), tensor.arena());
      String name = op.getClass().getSimpleName() + "." + operand.name();
      try {
        Operands.of(op.getClass()).map(op, t -> t.equals(tensor) ? wrong : t);
        unchecked.add(name);
      } catch (IllegalArgumentException e) {
        assertTrue(e.getMessage().startsWith(op.getClass().getSimpleName() + ": "), name);
        assertTrue(e.getMessage().contains(", expected ("), e.getMessage());
      }
    }
    return unchecked;
  }

  @Test
  void aWrongShapeIsRefusedByOpTensorAndBothShapes() {
    IllegalArgumentException weight =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new Op.MatmulForward(
                    tensor("y", 2, 3, 4),
                    tensor("x", 2, 3, 6),
                    tensor("w", 4, 7),
                    Optional.empty()));
    assertEquals("MatmulForward: weight is w(4, 7), expected (N, 6)", weight.getMessage());
    IllegalArgumentException result =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new Op.AttentionForward(
                    tensor("y", 2, 3, 4), tensor("lse", 2, 3, 2), tensor("qkv", 2, 3, 12), 2));
    assertEquals(
        "AttentionForward: logSumExp is lse(2, 3, 2), expected (2, 2, 3)", result.getMessage());
    IllegalArgumentException few =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new Op.PositionEmbeddingBackward(
                    tensor("dWpe", 2, 4), tensor("dOut", 2, 3, 4), false));
    assertEquals(
        "PositionEmbeddingBackward: dWpe is dWpe(2, 4), expected (maxT>=3, 4)", few.getMessage());
  }

  @Test
  void aMatrixThatIsUpdatedByItsTransposeHasTheShapeThatTheFlagSays() {
    Tensor in = tensor("in", 4, 3);
    Tensor length = tensor("length");
    new MuonOp.Normalize(tensor("out", 3, 4), in, length, 1e-7f, true);
    assertThrows(
        IllegalArgumentException.class,
        () -> new MuonOp.Normalize(tensor("out", 3, 4), in, length, 1e-7f, false));
  }

  @Test
  void aCopyWithOtherTensorsHasEachInItsOwnPlace() {
    for (Op op : cases()) {
      assertEquals(op, op.mapTensors(tensor -> tensor));
      Op primed = op.mapTensors(tensor -> tensor.like(tensor.name() + "'", tensor.arena()));
      List<String> expected =
          op.operands().stream().map(o -> o.name() + " " + o.tensor().name() + "'").toList();
      assertEquals(
          expected,
          primed.operands().stream().map(o -> o.name() + " " + o.tensor().name()).toList());
      assertEquals(op, primed.mapTensors(t -> t.like(t.name().replace("'", ""), t.arena())));
    }
  }

  @Test
  void anOpThatAddsIsTheSameOtherwise() {
    Tensor dOut = tensor("dOut", 3, 4);
    Op.ParameterGradient sets = new Op.BiasBackward(tensor("dBias", 4), dOut, false);
    assertEquals(new Op.BiasBackward(tensor("dBias", 4), dOut, true), sets.accumulating());
  }

  /** What an update may change stands last in what is read, and in what is written, too. */
  @Test
  void stateIsReadAndWritten() {
    Op op =
        new MuonOp.MuonMomentum(
            tensor("u", 2, 3), tensor("m", 2, 3), tensor("g", 2, 3), tensor("norm"), 0.9f, 1);
    assertEquals(List.of("g", "norm", "m"), op.reads().stream().map(Tensor::name).toList());
    assertEquals(List.of("u", "m"), op.writes().stream().map(Tensor::name).toList());
  }

  /** The main result may only take over what is of its size and format. */
  @Test
  void whatMayBeOverwrittenIsLikeTheMainResult() {
    for (Op op : cases()) {
      for (Tensor tensor : op.overwritable()) {
        assertEquals(op.writes().getFirst().shape(), tensor.shape(), op + "");
      }
    }
  }

  record Unmarked(@Writes("N") Tensor out, Tensor in) {}

  record TwiceMarked(@Writes("N") @Reads("N") Tensor out) {}

  record OfTwoFormats(@Writes("N") @Fp32 @Integers Tensor out) {}

  record Hidden(@Writes("N") Tensor out, Map<String, Tensor> others) {}

  record Shapeless(@Writes("N,,") Tensor out) {}

  record Inner(Tensor in) {}

  record UnmarkedWithin(@Writes("N") Tensor out, Optional<Inner> inner) {}

  /** A constructor that checks nothing. */
  record Unchecked(@Writes("N") Tensor out, @Reads("N") @Overwritable Tensor in) {}

  /** One that forgets a tensor. */
  record Forgetful(@Writes("N") Tensor out, @Reads("N") Tensor in) {
    Forgetful {
      Operands.fit(Forgetful.class, out);
    }
  }

  @Test
  void anIncompleteOpIsNoticed() {
    for (Class<?> kind :
        List.of(
            Unmarked.class,
            TwiceMarked.class,
            OfTwoFormats.class,
            Hidden.class,
            Shapeless.class,
            UnmarkedWithin.class)) {
      assertThrows(IllegalStateException.class, () -> Operands.of(kind), kind.getSimpleName());
    }
    Tensor a = tensor("a", 3);
    Tensor b = tensor("b", 3);
    assertThrows(IllegalStateException.class, () -> new Forgetful(a, b));
    Object unchecked = new Unchecked(a, b);
    assertEquals(
        List.of("Unchecked.out", "Unchecked.in"),
        unchecked(unchecked, Operands.of(Unchecked.class).list(unchecked)));
  }

  @Test
  void aListWithoutAnOpIsNoticed() {
    List<Class<?>> all = OpKinds.all();
    assertTrue(all.size() > 25, all.size() + "");
    assertEquals(
        List.of("Add"),
        OpKinds.missing(all, all.stream().filter(kind -> kind != Op.Add.class).toList()));
  }
}
