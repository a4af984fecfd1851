package dev.anneal.random;

/**
 * Philox4x32-10: random bits as a function of a key and a counter, with no state to carry or to
 * save.
 *
 * <p>Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC11.
 */
public final class Philox {
  private static final int M0 = 0xD2511F53;
  private static final int M1 = 0xCD9E8D57;
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;

  private Philox() {}

  /** What random bits are drawn for, so that two uses never see the same bits. */
  public enum Purpose {
    INITIALIZATION,
    DATA_ORDER,
    SAMPLING,
    STOCHASTIC_ROUNDING,
    TEST
  }

  /**
   * Sixty-four random bits for one element of one stream; {@code stream} is a parameter or batch.
   */
  public static long bits(long seed, Purpose purpose, int stream, long element, int step) {
    int c0 = (int) element;
    int c1 = (int) (element >>> 32) ^ (purpose.ordinal() << 24);
    int c2 = stream;
    int c3 = step;
    int k0 = (int) seed;
    int k1 = (int) (seed >>> 32);
    for (int round = 0; round < 10; round++) {
      long p0 = (M0 & 0xFFFFFFFFL) * (c0 & 0xFFFFFFFFL);
      long p1 = (M1 & 0xFFFFFFFFL) * (c2 & 0xFFFFFFFFL);
      int n0 = (int) (p1 >>> 32) ^ c1 ^ k0;
      int n2 = (int) (p0 >>> 32) ^ c3 ^ k1;
      c1 = (int) p1;
      c3 = (int) p0;
      c0 = n0;
      c2 = n2;
      k0 += W0;
      k1 += W1;
    }
    return (c0 & 0xFFFFFFFFL) << 32 | (c1 & 0xFFFFFFFFL);
  }

  /** Sixteen random bits for one element: four neighbours share one draw of {@link #bits}. */
  public static int sixteenBits(long seed, Purpose purpose, int stream, long element, int step) {
    long four = bits(seed, purpose, stream, element / 4, step);
    return (int) (four >>> 16 * (element % 4)) & 0xFFFF;
  }

  /** Uniform in [0, 1) with 53 bits. */
  public static double uniform(long bits) {
    return (bits >>> 11) * 0x1.0p-53;
  }

  /**
   * A standard normal by Box-Muller: sqrt(-2 ln u1) cos(2 pi u2), from the two halves of {@code
   * bits}; the same on every machine, since it uses {@link StrictMath}.
   */
  public static double normal(long bits) {
    double u1 = ((bits >>> 32) + 1) * 0x1.0p-32;
    double u2 = (bits & 0xFFFFFFFFL) * 0x1.0p-32;
    return StrictMath.sqrt(-2 * StrictMath.log(u1)) * StrictMath.cos(2 * StrictMath.PI * u2);
  }
}
