package dev.anneal.plan;

/** The upper half of a float32: 8 bits of exponent, 7 of fraction. */
public final class Bfloat16 {

  private Bfloat16() {}

  /**
   * The nearest, of two equally near the even one; NaN stays NaN, beyond the largest is infinity.
   */
  public static short of(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    int half = 0x7FFF + (bits >>> 16 & 1);
    return (short) (bits + half >>> 16);
  }

  /**
   * One of the two around {@code value}, the nearer one more often: on average over {@code random}
   * it is {@code value} itself. NaN stays NaN. Source: Gupta and others, "Deep Learning with
   * Limited Numerical Precision", 2015.
   *
   * @param random sixteen random bits
   */
  public static short stochastic(float value, int random) {
    int bits = Float.floatToRawIntBits(value);
    return Float.isFinite(value) ? (short) (bits + (random & 0xFFFF) >>> 16) : of(value);
  }

  public static float toFloat(short bfloat16) {
    return Float.intBitsToFloat(bfloat16 << 16);
  }
}
