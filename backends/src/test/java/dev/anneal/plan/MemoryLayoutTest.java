package dev.anneal.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class MemoryLayoutTest {
  private static final Tensor INPUT = new Tensor("input", DType.F32, Shape.of(8), Arena.INPUTS);
  private static final List<ArenaLayout> PLACES =
      List.of(ArenaLayout.sequential(Arena.INPUTS, List.of(INPUT)));

  private static Tensor activation(String name, int size) {
    return new Tensor(name, DType.F32, Shape.of(size), Arena.ACTIVATIONS);
  }

  /** A random list of ops, each reading tensors that were written before. */
  private static List<Op> randomOps(Random random) {
    List<Op> ops = new ArrayList<>();
    List<Tensor> written = new ArrayList<>();
    int count = 2 + random.nextInt(60);
    for (int i = 0; i < count; i++) {
      Op op =
          written.isEmpty() || random.nextInt(4) == 0
              ? new Op.Fill(activation("t" + i, 1 << random.nextInt(9)), i)
              : randomOp(
                  "t" + i,
                  written.get(random.nextInt(written.size())),
                  written.get(random.nextInt(written.size())),
                  random);
      ops.add(op);
      written.add(op.writes().getFirst());
    }
    return ops;
  }

  /** One that reads {@code a}, and where it can {@code b}; its result is of any size. */
  private static Op randomOp(String out, Tensor a, Tensor b, Random random) {
    if (random.nextBoolean()) {
      return new Op.GeluForward(a.like(out, a.arena()), a);
    }
    if (a.shape().equals(b.shape()) && random.nextBoolean()) {
      return new Op.Add(a.like(out, a.arena()), a, b);
    }
    boolean vectors = a.shape().rank() == 1 && b.shape().rank() == 1;
    if (vectors && a.elements() * b.elements() <= 4096) {
      Shape outer = Shape.of(a.shape().dim(0), b.shape().dim(0));
      return new Op.MatmulBackwardWeight(a.like(out, DType.F32, outer, a.arena()), a, b, false);
    }
    return new Op.GlobalNorm(a.like(out, DType.F32, Shape.of(), a.arena()), List.of(a, b));
  }

  @RepeatedTest(300)
  void noTwoTensorsThatAreAliveAtOnceShareAByte(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    List<Op> ops = randomOps(random);
    Tensor result = ops.get(random.nextInt(ops.size())).writes().getFirst();
    MemoryLayout layout = MemoryLayout.of(ops, List.of(result), PLACES);
    Map<Tensor, Integer> first = new HashMap<>();
    Map<Tensor, Integer> last = new HashMap<>();
    for (int i = 0; i < ops.size(); i++) {
      for (Tensor tensor : ops.get(i).tensors()) {
        first.putIfAbsent(tensor, i);
        last.put(tensor, i);
      }
    }
    last.put(result, ops.size());
    for (Tensor a : first.keySet()) {
      assertEquals(0, layout.offset(a) % ArenaLayout.ALIGNMENT);
      assertTrue(layout.offset(a) + a.bytes() <= layout.bytes(Arena.ACTIVATIONS));
      for (Tensor b : first.keySet()) {
        boolean together = first.get(a) <= last.get(b) && first.get(b) <= last.get(a);
        boolean share =
            layout.offset(a) < layout.offset(b) + b.bytes()
                && layout.offset(b) < layout.offset(a) + a.bytes();
        if (!a.equals(b) && together && share) {
          Tensor later = first.get(a) > first.get(b) ? a : b;
          Tensor earlier = later.equals(a) ? b : a;
          Op taker = ops.get(first.get(later));
          assertTrue(
              taker.overwritable().contains(earlier)
                  && last.get(earlier).equals(first.get(later))
                  && layout.offset(a) == layout.offset(b),
              a + " and " + b + " share bytes");
        }
      }
    }
  }

  @Test
  void aChainOfElementwiseOpsNeedsOneBuffer() {
    List<Op> ops = new ArrayList<>();
    Tensor x = activation("t0", 64);
    ops.add(new Op.Fill(x, 1));
    for (int i = 1; i < 10; i++) {
      Tensor y = activation("t" + i, 64);
      ops.add(new Op.GeluForward(y, x));
      x = y;
    }
    assertEquals(256, MemoryLayout.of(ops, List.of(x), PLACES).bytes(Arena.ACTIVATIONS));
  }

  @Test
  void readingBeforeWritingIsRefused() {
    Op op = new Op.GeluForward(activation("a", 8), activation("b", 8));
    assertThrows(
        IllegalArgumentException.class, () -> Plan.of("p", List.of(op), List.of(), PLACES));
  }

  @Test
  void twoTensorsOfOneNameAreRefused() {
    List<Op> ops = List.of(new Op.Fill(activation("a", 8), 0), new Op.Fill(activation("a", 16), 0));
    assertThrows(IllegalArgumentException.class, () -> Plan.of("p", ops, List.of(), PLACES));
  }

  @Test
  void aTensorWithoutAPlaceIsRefused() {
    Tensor other = new Tensor("other", DType.F32, Shape.of(8), Arena.INPUTS);
    Op op = new Op.GeluForward(activation("a", 8), other);
    assertThrows(
        IllegalArgumentException.class, () -> Plan.of("p", List.of(op), List.of(), PLACES));
  }

  /** So that an arena can be cut at multiples of a block. */
  @RepeatedTest(100)
  void noTensorLiesAcrossTwoBlocksUnlessItIsLarger(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    long block = 4096;
    List<Lifetimes.Buffer> buffers = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      int floats = 1 + random.nextInt(i % 9 == 0 ? 3000 : 900);
      int first = random.nextInt(20);
      Tensor tensor = activation("t" + i, floats);
      long bytes = ArenaLayout.aligned(tensor.bytes());
      buffers.add(new Lifetimes.Buffer(List.of(tensor), first, first + random.nextInt(8), bytes));
    }
    ArenaLayout layout = MemoryLayout.activations(buffers, block);
    List<Tensor> tensors = buffers.stream().map(buffer -> buffer.tensors().getFirst()).toList();
    for (ArenaLayout each :
        List.of(layout, ArenaLayout.sequential(Arena.ACTIVATIONS, tensors, block))) {
      for (Tensor tensor : tensors) {
        long begin = each.offsets().get(tensor);
        long end = begin + tensor.bytes() - 1;
        assertTrue(begin / block == end / block || begin % block == 0, tensor + " at " + begin);
        assertTrue(end < each.bytes());
      }
    }
    for (Lifetimes.Buffer a : buffers) {
      for (Lifetimes.Buffer b : buffers) {
        long from = layout.offsets().get(a.tensors().getFirst());
        long other = layout.offsets().get(b.tensors().getFirst());
        assertTrue(
            a == b || !a.overlaps(b) || from + a.bytes() <= other || other + b.bytes() <= from);
      }
    }
  }
}
