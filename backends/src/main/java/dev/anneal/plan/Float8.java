package dev.anneal.plan;

/**
 * The formats of 8 bits: E4M3 with 3 bits of fraction, up to 448 and without infinities, and E5M2
 * with 2 bits, up to 57344. The FNUZ ones have a bias that is one more, no infinities, no -0, whose
 * code is the only NaN: E4M3 up to 240, E5M2 up to 57344. Sources: Micikevicius and others, "FP8
 * Formats for Deep Learning", 2022; Noune and others, "8-bit Numerical Formats for Deep Neural
 * Networks", 2022.
 */
final class Float8 {
  static final float LARGEST_E4M3 = 448;
  static final float LARGEST_E4M3FNUZ = 240;
  static final float LARGEST_E5M2 = 57344;

  private static final byte ONLY_NAN = (byte) 0x80;
  private static final int FLOAT_BIAS = 127;
  private static final int FLOAT_FRACTION = 23;

  private Float8() {}

  private static boolean isFnuz(DType format) {
    return format == DType.F8E4M3FNUZ || format == DType.F8E5M2FNUZ;
  }

  private static int fraction(DType format) {
    return format == DType.F8E4M3 || format == DType.F8E4M3FNUZ ? 3 : 2;
  }

  private static int bias(DType format) {
    return (fraction(format) == 3 ? 7 : 15) + (isFnuz(format) ? 1 : 0);
  }

  /**
   * The nearest, of two equally near the even one; what is beyond the largest is the largest, and
   * NaN stays NaN.
   */
  static byte of(float value, DType format) {
    byte code = signed(value, format);
    return code == ONLY_NAN && isFnuz(format) && !Float.isNaN(value) ? 0 : code;
  }

  /** The code, where there is a -0. */
  private static byte signed(float value, DType format) {
    int fraction = fraction(format);
    int bias = bias(format);
    int sign = Float.floatToRawIntBits(value) >>> 24 & 0x80;
    float size = Math.abs(value);
    if (Float.isNaN(value)) {
      return isFnuz(format) ? ONLY_NAN : (byte) (sign | 0x7F);
    }
    if (size >= format.largest()) {
      return (byte) (sign | largestBits(format));
    }
    if (size < Math.scalb(1f, 1 - bias)) {
      return (byte) (sign | (int) Math.rint((double) size * Math.scalb(1f, bias - 1 + fraction)));
    }
    int bits = Float.floatToRawIntBits(size);
    int drop = FLOAT_FRACTION - fraction;
    int rounded = bits + (1 << drop - 1) - 1 + (bits >>> drop & 1) >>> drop;
    return (byte) (sign | rounded - (FLOAT_BIAS - bias << fraction));
  }

  private static int largestBits(DType format) {
    return isFnuz(format) ? 0x7F : format == DType.F8E4M3 ? 0x7E : 0x7B;
  }

  static float toFloat(byte bits, DType format) {
    int fraction = fraction(format);
    int exponent = (bits & 0x7F) >>> fraction;
    int rest = bits & (1 << fraction) - 1;
    if (isFnuz(format) && bits == ONLY_NAN) {
      return Float.NaN;
    }
    if ((bits & 0x7F) > largestBits(format)) {
      boolean infinite = format == DType.F8E5M2 && rest == 0;
      return infinite ? Math.copySign(Float.POSITIVE_INFINITY, bits) : Float.NaN;
    }
    float size =
        exponent == 0
            ? Math.scalb((float) rest, 1 - bias(format) - fraction)
            : Math.scalb((float) (1 << fraction | rest), exponent - bias(format) - fraction);
    return bits < 0 ? -size : size;
  }
}
