package dev.anneal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * exp and log by our own polynomials: multiplications, additions and FMA only, in one written
 * order, so that every vector width, every lane and every kernel language gives the same bits.
 * {@code Math.exp} and the vector library's own differ between machines.
 *
 * <p>Coefficients: Moshier, Cephes, single precision.
 */
final class VectorMath {
  private static final float LOG2_E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /** Adding and subtracting 1.5 * 2^23 rounds to an integer, which the low bits then hold. */
  private static final float ROUND = 12582912f;

  private static final float MAX = 88f;
  private static final float MIN = -87.3f;
  private static final float SQRT_HALF = 0.70710678f;

  private VectorMath() {}

  /** e^x to 1 unit in the last place for x in [-87.3, 88]; beyond, the value at the end. */
  static FloatVector exp(FloatVector x) {
    FloatVector in = x.min(MAX).max(MIN);
    FloatVector shifted = in.fma(LOG2_E, ROUND);
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(Lanes.F, -LN2_HIGH), in);
    r = n.fma(FloatVector.broadcast(Lanes.F, -LN2_LOW), r);
    FloatVector p = r.fma(1.9875691500e-4f, 1.3981999507e-3f);
    p = p.fma(r, FloatVector.broadcast(Lanes.F, 8.3334519073e-3f));
    p = p.fma(r, FloatVector.broadcast(Lanes.F, 4.1665795894e-2f));
    p = p.fma(r, FloatVector.broadcast(Lanes.F, 1.6666665459e-1f));
    p = p.fma(r, FloatVector.broadcast(Lanes.F, 5.0000001201e-1f));
    FloatVector y = p.fma(r.mul(r), r).add(1f);
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    return y.reinterpretAsInts().add(exponent).reinterpretAsFloats();
  }

  /** ln x to 1 unit in the last place for normal positive x; NaN for NaN. */
  static float log(float x) {
    if (!(x > 0) || Float.isInfinite(x)) {
      return x == 0 ? Float.NEGATIVE_INFINITY : x > 0 ? x : Float.NaN;
    }
    int bits = Float.floatToRawIntBits(x);
    int e = (bits >>> 23) - 126;
    float m = Float.intBitsToFloat((bits & 0x007FFFFF) | 0x3F000000);
    if (m < SQRT_HALF) {
      e -= 1;
      m = m + m - 1f;
    } else {
      m = m - 1f;
    }
    float z = m * m;
    float p = 7.0376836292e-2f;
    p = Math.fma(p, m, -1.1514610310e-1f);
    p = Math.fma(p, m, 1.1676998740e-1f);
    p = Math.fma(p, m, -1.2420140846e-1f);
    p = Math.fma(p, m, 1.4249322787e-1f);
    p = Math.fma(p, m, -1.6668057665e-1f);
    p = Math.fma(p, m, 2.0000714765e-1f);
    p = Math.fma(p, m, -2.4999993993e-1f);
    p = Math.fma(p, m, 3.3333331174e-1f);
    float y = p * m * z;
    y = Math.fma(e, LN2_LOW, y);
    y = Math.fma(z, -0.5f, y);
    return Math.fma(e, LN2_HIGH, m + y);
  }
}
