package dev.anneal.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tensors as people look at them. */
class InspectionTest {

  private static Inspection inspect(Tensor tensor, MemorySegment bytes, String slice) {
    return Inspection.of(
        tensor,
        Slice.parse(slice, tensor.shape()),
        (offset, into) -> into.copyFrom(bytes.asSlice(offset, into.byteSize())));
  }

  private static Inspection floats(String slice, Shape shape, float... values) {
    return inspect(
        new Tensor("x", DType.F32, shape, Arena.PARAMETERS), MemorySegment.ofArray(values), slice);
  }

  @Test
  void countsMomentsAndValues() {
    Inspection seen = floats("[1]", Shape.of(2, 3), 1, 2, 3, 4, 5, 9);
    assertEquals(1, seen.min());
    assertEquals(9, seen.max());
    assertEquals(4, seen.mean(), 1e-12);
    assertEquals(Math.sqrt(40 / 6.0), seen.deviation(), 1e-12);
    assertEquals(List.of(4f, 5f, 9f), seen.values());
    assertEquals(6, Arrays.stream(seen.histogram()).sum());
    assertEquals(1, seen.histogram()[0]);
    assertEquals(1, seen.histogram()[Inspection.BINS - 1]);
  }

  @Test
  void keepsWhatIsNotFiniteApart() {
    Inspection seen =
        floats("[]", Shape.of(4), Float.NaN, 2, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
    assertEquals(3, seen.nonFinite());
    assertEquals(2, seen.min());
    assertEquals(2, seen.mean());
    assertEquals(0, seen.deviation());
    assertEquals(1, Arrays.stream(seen.histogram()).sum());
    assertTrue(Float.isNaN(seen.values().getFirst()));
    Inspection none = floats("[]", Shape.of(1), Float.NaN);
    assertTrue(Double.isNaN(none.min()) && Double.isNaN(none.mean()));
  }

  @Test
  void readsMoreThanOneChunk() {
    float[] values = new float[700_000];
    Arrays.fill(values, 0.5f);
    values[699_999] = -1;
    Inspection seen = floats("[-1]", Shape.of(700_000), values);
    assertEquals(-1, seen.min());
    assertEquals(List.of(-1f), seen.values());
    assertEquals(700_000, Arrays.stream(seen.histogram()).sum());
  }

  @Test
  void readsEveryType() {
    MemorySegment ints = MemorySegment.ofArray(new int[] {7, -3});
    assertEquals(
        List.of(7f, -3f),
        inspect(new Tensor("t", DType.I32, Shape.of(2), Arena.INPUTS), ints, "[]").values());
    MemorySegment halves =
        MemorySegment.ofArray(new short[] {Float.floatToFloat16(1.5f), Float.floatToFloat16(-2)});
    assertEquals(
        List.of(1.5f, -2f),
        inspect(new Tensor("h", DType.F16, Shape.of(2), Arena.PARAMETERS), halves, "[]").values());
    MemorySegment brains = MemorySegment.ofArray(new short[2]);
    brains.setAtIndex(ValueLayout.JAVA_SHORT, 0, (short) (Float.floatToIntBits(3f) >> 16));
    assertEquals(
        List.of(3f, 0f),
        inspect(new Tensor("b", DType.BF16, Shape.of(2), Arena.PARAMETERS), brains, "[]").values());
  }
}
