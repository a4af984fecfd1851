package dev.anneal.plan;

/** The number formats a tensor's elements can have in memory. */
public enum DType {
  F32(4),
  BF16(2),
  F16(2),
  /** Eight bits: 4 of exponent, 3 of fraction. */
  F8E4M3(1),
  /** Eight bits: 5 of exponent, 2 of fraction. */
  F8E5M2(1),
  /** As {@link #F8E4M3}, with one exponent more and one NaN: gfx942's. */
  F8E4M3FNUZ(1),
  /** As {@link #F8E5M2}, with one exponent more and one NaN: gfx942's. */
  F8E5M2FNUZ(1),
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
      case F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ -> Float8.toFloat(Float8.of(value, this), this);
      case I32 -> (float) Math.rint(value);
    };
  }

  /** The largest finite number. */
  public float largest() {
    return switch (this) {
      case F32 -> Float.MAX_VALUE;
      case BF16 -> 0x1.FEp127f;
      case F16 -> 65504;
      case F8E4M3 -> Float8.LARGEST_E4M3;
      case F8E4M3FNUZ -> Float8.LARGEST_E4M3FNUZ;
      case F8E5M2, F8E5M2FNUZ -> Float8.LARGEST_E5M2;
      case I32 -> Integer.MAX_VALUE;
    };
  }

  /** The format of 8 bits that a GPU has in place of this one where it has FNUZ's. */
  DType fnuz() {
    return switch (this) {
      case F8E4M3 -> F8E4M3FNUZ;
      case F8E5M2 -> F8E5M2FNUZ;
      default -> this;
    };
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }
}
