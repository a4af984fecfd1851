package dev.anneal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Reductions over one row of n floats. Element i is added into lane i mod 16, whatever the vector
 * width: one, two or four accumulators make the sixteen lanes, and {@link #fold} adds these as a
 * fixed tree. {@code reduceLanes} may add in any order and is not used.
 *
 * <p>{@code scratch} is the address of 64 bytes for the sixteen lanes.
 */
final class Rows {
  /** Logical lanes. */
  static final int LANES = 16;

  private static final int N = Lanes.N;

  private Rows() {}

  /** The sum of x. */
  static float sum(long x, int n, long scratch) {
    FloatVector a0 = FloatVector.zero(Lanes.F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      long at = x + 4L * i;
      a0 = a0.add(Ram.load(at));
      if (N <= 8) {
        a1 = a1.add(Ram.load(at + Lanes.BYTES));
      }
      if (N == 4) {
        a2 = a2.add(Ram.load(at + 2 * Lanes.BYTES));
        a3 = a3.add(Ram.load(at + 3 * Lanes.BYTES));
      }
    }
    if (i < n) {
      for (int lane = 0; lane < LANES; lane++) {
        int at = i + lane;
        Ram.set(scratch + 4L * lane, at < n ? Ram.get(x + 4L * at) : 0);
      }
      a0 = a0.add(Ram.load(scratch));
      if (N <= 8) {
        a1 = a1.add(Ram.load(scratch + Lanes.BYTES));
      }
      if (N == 4) {
        a2 = a2.add(Ram.load(scratch + 2 * Lanes.BYTES));
        a3 = a3.add(Ram.load(scratch + 3 * Lanes.BYTES));
      }
    }
    return fold(a0, a1, a2, a3, scratch);
  }

  /** The sum of x * y. */
  static float dot(long x, long y, int n, long scratch) {
    FloatVector a0 = FloatVector.zero(Lanes.F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      long at = x + 4L * i;
      long by = y + 4L * i;
      a0 = Ram.load(at).fma(Ram.load(by), a0);
      if (N <= 8) {
        a1 = Ram.load(at + Lanes.BYTES).fma(Ram.load(by + Lanes.BYTES), a1);
      }
      if (N == 4) {
        a2 = Ram.load(at + 2 * Lanes.BYTES).fma(Ram.load(by + 2 * Lanes.BYTES), a2);
        a3 = Ram.load(at + 3 * Lanes.BYTES).fma(Ram.load(by + 3 * Lanes.BYTES), a3);
      }
    }
    if (i < n) {
      for (int lane = 0; lane < LANES; lane++) {
        int at = i + lane;
        Ram.set(scratch + 4L * lane, at < n ? Ram.get(x + 4L * at) * Ram.get(y + 4L * at) : 0);
      }
      a0 = a0.add(Ram.load(scratch));
      if (N <= 8) {
        a1 = a1.add(Ram.load(scratch + Lanes.BYTES));
      }
      if (N == 4) {
        a2 = a2.add(Ram.load(scratch + 2 * Lanes.BYTES));
        a3 = a3.add(Ram.load(scratch + 3 * Lanes.BYTES));
      }
    }
    return fold(a0, a1, a2, a3, scratch);
  }

  /** The sum of (x - mean)^2. */
  static float squaredDeviation(long x, int n, float mean, long scratch) {
    FloatVector a0 = FloatVector.zero(Lanes.F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      long at = x + 4L * i;
      FloatVector d0 = Ram.load(at).sub(mean);
      a0 = d0.fma(d0, a0);
      if (N <= 8) {
        FloatVector d1 = Ram.load(at + Lanes.BYTES).sub(mean);
        a1 = d1.fma(d1, a1);
      }
      if (N == 4) {
        FloatVector d2 = Ram.load(at + 2 * Lanes.BYTES).sub(mean);
        a2 = d2.fma(d2, a2);
        FloatVector d3 = Ram.load(at + 3 * Lanes.BYTES).sub(mean);
        a3 = d3.fma(d3, a3);
      }
    }
    if (i < n) {
      for (int lane = 0; lane < LANES; lane++) {
        int at = i + lane;
        Ram.set(scratch + 4L * lane, at < n ? square(Ram.get(x + 4L * at) - mean) : 0);
      }
      a0 = a0.add(Ram.load(scratch));
      if (N <= 8) {
        a1 = a1.add(Ram.load(scratch + Lanes.BYTES));
      }
      if (N == 4) {
        a2 = a2.add(Ram.load(scratch + 2 * Lanes.BYTES));
        a3 = a3.add(Ram.load(scratch + 3 * Lanes.BYTES));
      }
    }
    return fold(a0, a1, a2, a3, scratch);
  }

  private static float square(float x) {
    return x * x;
  }

  /** The largest of x; NaN when one is. */
  static float max(long x, int n, long scratch) {
    FloatVector a0 = FloatVector.broadcast(Lanes.F, Float.NEGATIVE_INFINITY);
    FloatVector a1 = a0;
    int i = 0;
    for (; i + 2 * N <= n; i += 2 * N) {
      a0 = a0.max(Ram.load(x + 4L * i));
      a1 = a1.max(Ram.load(x + 4L * (i + N)));
    }
    Ram.store(a0.max(a1), scratch);
    float max = Float.NEGATIVE_INFINITY;
    for (int lane = 0; lane < N; lane++) {
      max = Math.max(max, Ram.get(scratch + 4L * lane));
    }
    for (; i < n; i++) {
      max = Math.max(max, Ram.get(x + 4L * i));
    }
    return max;
  }

  /** to = exp(scale * x - shift), and the sum of these; {@code to} may be x. */
  static float exp(long x, long to, int n, float scale, float shift, long scratch) {
    FloatVector minus = FloatVector.broadcast(Lanes.F, -shift);
    FloatVector a0 = FloatVector.zero(Lanes.F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      long offset = 4L * i;
      FloatVector e0 = VectorMath.exp(Ram.load(x + offset).fma(broadcast(scale), minus));
      Ram.store(e0, to + offset);
      a0 = a0.add(e0);
      if (N <= 8) {
        long o1 = offset + Lanes.BYTES;
        FloatVector e1 = VectorMath.exp(Ram.load(x + o1).fma(broadcast(scale), minus));
        Ram.store(e1, to + o1);
        a1 = a1.add(e1);
      }
      if (N == 4) {
        long o2 = offset + 2 * Lanes.BYTES;
        FloatVector e2 = VectorMath.exp(Ram.load(x + o2).fma(broadcast(scale), minus));
        Ram.store(e2, to + o2);
        a2 = a2.add(e2);
        long o3 = offset + 3 * Lanes.BYTES;
        FloatVector e3 = VectorMath.exp(Ram.load(x + o3).fma(broadcast(scale), minus));
        Ram.store(e3, to + o3);
        a3 = a3.add(e3);
      }
    }
    if (i < n) {
      expTail(x, i, n, scale, shift, scratch);
      for (int lane = 0; i + lane < n; lane++) {
        Ram.set(to + 4L * (i + lane), Ram.get(scratch + 4L * lane));
      }
      a0 = a0.add(Ram.load(scratch));
      if (N <= 8) {
        a1 = a1.add(Ram.load(scratch + Lanes.BYTES));
      }
      if (N == 4) {
        a2 = a2.add(Ram.load(scratch + 2 * Lanes.BYTES));
        a3 = a3.add(Ram.load(scratch + 3 * Lanes.BYTES));
      }
    }
    return fold(a0, a1, a2, a3, scratch);
  }

  /** The sixteen lanes of exp(scale * x - shift) from element {@code i} on, zero from n on. */
  private static void expTail(long x, int i, int n, float scale, float shift, long scratch) {
    for (int lane = 0; lane < LANES; lane++) {
      Ram.set(scratch + 4L * lane, i + lane < n ? Ram.get(x + 4L * (i + lane)) : 0);
    }
    FloatVector minus = broadcast(-shift);
    for (int lane = 0; lane < LANES; lane += N) {
      long at = scratch + 4L * lane;
      Ram.store(VectorMath.exp(Ram.load(at).fma(broadcast(scale), minus)), at);
    }
    for (int lane = n - i; lane < LANES; lane++) {
      Ram.set(scratch + 4L * lane, 0);
    }
  }

  /** The sum of exp(x - shift), without storing these. */
  static float sumExp(long x, int n, float shift, long scratch) {
    FloatVector a0 = FloatVector.zero(Lanes.F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      long at = x + 4L * i;
      a0 = a0.add(VectorMath.exp(Ram.load(at).sub(shift)));
      if (N <= 8) {
        a1 = a1.add(VectorMath.exp(Ram.load(at + Lanes.BYTES).sub(shift)));
      }
      if (N == 4) {
        a2 = a2.add(VectorMath.exp(Ram.load(at + 2 * Lanes.BYTES).sub(shift)));
        a3 = a3.add(VectorMath.exp(Ram.load(at + 3 * Lanes.BYTES).sub(shift)));
      }
    }
    if (i < n) {
      expTail(x, i, n, 1, shift, scratch);
      a0 = a0.add(Ram.load(scratch));
      if (N <= 8) {
        a1 = a1.add(Ram.load(scratch + Lanes.BYTES));
      }
      if (N == 4) {
        a2 = a2.add(Ram.load(scratch + 2 * Lanes.BYTES));
        a3 = a3.add(Ram.load(scratch + 3 * Lanes.BYTES));
      }
    }
    return fold(a0, a1, a2, a3, scratch);
  }

  static FloatVector broadcast(float value) {
    return FloatVector.broadcast(Lanes.F, value);
  }

  /** to = (x - mean) * rstd. */
  static void normalize(long x, int n, float mean, float rstd, long to) {
    for (int i = 0; i < n; i += N) {
      VectorMask<Float> mask = in(i, n);
      Ram.store(Ram.load(x + 4L * i, mask).sub(mean).mul(rstd), to + 4L * i, mask);
    }
  }

  /** to = x * y. */
  static void multiply(long x, long y, int n, long to) {
    for (int i = 0; i < n; i += N) {
      VectorMask<Float> mask = in(i, n);
      Ram.store(Ram.load(x + 4L * i, mask).mul(Ram.load(y + 4L * i, mask)), to + 4L * i, mask);
    }
  }

  /** to += x * y. */
  static void addProduct(long x, long y, int n, long to) {
    for (int i = 0; i < n; i += N) {
      VectorMask<Float> mask = in(i, n);
      FloatVector product = Ram.load(x + 4L * i, mask);
      product = product.fma(Ram.load(y + 4L * i, mask), Ram.load(to + 4L * i, mask));
      Ram.store(product, to + 4L * i, mask);
    }
  }

  /** to = x. */
  static void copy(long x, int n, long to) {
    for (int i = 0; i < n; i += N) {
      VectorMask<Float> mask = in(i, n);
      Ram.store(Ram.load(x + 4L * i, mask), to + 4L * i, mask);
    }
  }

  /** to += x. */
  static void add(long x, int n, long to) {
    for (int i = 0; i < n; i += N) {
      VectorMask<Float> mask = in(i, n);
      Ram.store(Ram.load(to + 4L * i, mask).add(Ram.load(x + 4L * i, mask)), to + 4L * i, mask);
    }
  }

  /** The lanes of the vector at element {@code i} that lie below {@code n}. */
  static VectorMask<Float> in(int i, int n) {
    return Lanes.F.indexInRange(Math.min(i, n), n);
  }

  /** Adds the sixteen lanes: i with i + 8, then with i + 4, i + 2, i + 1. */
  private static float fold(
      FloatVector a0, FloatVector a1, FloatVector a2, FloatVector a3, long scratch) {
    Ram.store(a0, scratch);
    if (N <= 8) {
      Ram.store(a1, scratch + Lanes.BYTES);
    }
    if (N == 4) {
      Ram.store(a2, scratch + 2 * Lanes.BYTES);
      Ram.store(a3, scratch + 3 * Lanes.BYTES);
    }
    float s0 = pair(scratch, 0) + pair(scratch, 4);
    float s1 = pair(scratch, 1) + pair(scratch, 5);
    float s2 = pair(scratch, 2) + pair(scratch, 6);
    float s3 = pair(scratch, 3) + pair(scratch, 7);
    return (s0 + s2) + (s1 + s3);
  }

  private static float pair(long scratch, int lane) {
    return Ram.get(scratch + 4L * lane) + Ram.get(scratch + 4L * (lane + 8));
  }
}
