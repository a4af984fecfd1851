package dev.anneal.plan;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Elements of any format in host memory, as floats. */
public final class Elements {
  private Elements() {}

  /** Element {@code i}; an integer beyond 2^24 is rounded. */
  public static float get(MemorySegment from, DType dtype, long i) {
    long at = i * dtype.bytes();
    return switch (dtype) {
      case F32 -> from.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
      case BF16 -> Bfloat16.toFloat(from.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
      case F16 -> Float.float16ToFloat(from.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
      case F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ ->
          Float8.toFloat(from.get(ValueLayout.JAVA_BYTE, at), dtype);
      case I32 -> from.get(ValueLayout.JAVA_INT_UNALIGNED, at);
    };
  }

  /** Sets element {@code i} to the nearest that the format has. */
  public static void set(MemorySegment to, DType dtype, long i, float value) {
    long at = i * dtype.bytes();
    switch (dtype) {
      case F32 -> to.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, value);
      case BF16 -> to.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Bfloat16.of(value));
      case F16 -> to.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(value));
      case F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ ->
          to.set(ValueLayout.JAVA_BYTE, at, Float8.of(value, dtype));
      case I32 -> to.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
    }
  }
}
