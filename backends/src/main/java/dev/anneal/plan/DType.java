package dev.anneal.plan;

/** The number formats a tensor's elements can have in memory. */
public enum DType {
  F32(4),
  BF16(2),
  F16(2),
  I32(4);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** The nearest number that this format has, of two equally near the even one. */
  public float round(float value) {
    return switch (this) {
      case F32 -> value;
      case BF16 -> Bfloat16.toFloat(Bfloat16.of(value));
      case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
      case I32 -> (float) Math.rint(value);
    };
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }
}
