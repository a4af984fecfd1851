package dev.anneal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Floats in native memory by address, as kernels see them: no object, no scope check and, the
 * segment being all of memory, no bounds to test in an inner loop. The plan's layout has placed
 * every tensor before a kernel runs, so an address that is wrong is a bug of ours, never of input.
 */
final class Ram {
  /** Every address. */
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private Ram() {}

  static float get(long address) {
    return ALL.get(FLOAT, address);
  }

  static void set(long address, float value) {
    ALL.set(FLOAT, address, value);
  }

  static int getInt(long address) {
    return ALL.get(INT, address);
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(Lanes.F, ALL, address, NATIVE);
  }

  /** The lanes of {@code mask}; the others are zero. */
  static FloatVector load(long address, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(Lanes.F, ALL, address, NATIVE, mask);
  }

  static void store(FloatVector vector, long address) {
    vector.intoMemorySegment(ALL, address, NATIVE);
  }

  static void store(FloatVector vector, long address, VectorMask<Float> mask) {
    vector.intoMemorySegment(ALL, address, NATIVE, mask);
  }
}
