package dev.anneal.cpu;

import jdk.incubator.vector.FloatVector;

/**
 * Reductions over one row of n floats. Element i is added into lane i mod 16, whatever the vector
 * width, those beyond the last whole sixteen first: one, two or four accumulators make the sixteen
 * lanes, and {@link Lanes#fold} adds these as a fixed tree. {@code reduceLanes} may add in any
 * order and is not used.
 *
 * <p>{@code scratch} is the address of 64 bytes for the sixteen lanes.
 *
 * <p>Two rules keep vectors in registers. No method here takes or returns a vector, and the
 * launcher has the compiler inline none of them: several in one compilation exceed its budget. And
 * it is always the freshly loaded vector whose method is called, never the accumulator: in a loop,
 * the compiler knows only the former's exact class.
 */
final class Rows {
  /** Logical lanes. */
  static final int LANES = 16;

  private static final int N = Lanes.N;

  private Rows() {}

  /** The sum of x. */
  static float sum(long x, int n, long scratch) {
    int whole = n / LANES * LANES;
    for (int lane = 0; lane < LANES; lane++) {
      int at = whole + lane;
      Ram.set(scratch + 4L * lane, at < n ? Ram.get(x + 4L * at) : 0);
    }
    FloatVector a0 = Ram.load(scratch);
    FloatVector a1 = N <= 8 ? Ram.load(scratch + Lanes.BYTES) : a0;
    FloatVector a2 = N == 4 ? Ram.load(scratch + 2 * Lanes.BYTES) : a0;
    FloatVector a3 = N == 4 ? Ram.load(scratch + 3 * Lanes.BYTES) : a0;
    for (int i = 0; i < whole; i += LANES) {
      long at = x + 4L * i;
      a0 = Ram.load(at).add(a0);
      if (N <= 8) {
        a1 = Ram.load(at + Lanes.BYTES).add(a1);
      }
      if (N == 4) {
        a2 = Ram.load(at + 2 * Lanes.BYTES).add(a2);
        a3 = Ram.load(at + 3 * Lanes.BYTES).add(a3);
      }
    }
    return Lanes.fold(a0, a1, a2, a3, scratch);
  }

  /** The sum of x * y. */
  static float dot(long x, long y, int n, long scratch) {
    int whole = n / LANES * LANES;
    for (int lane = 0; lane < LANES; lane++) {
      int at = whole + lane;
      Ram.set(scratch + 4L * lane, at < n ? Ram.get(x + 4L * at) * Ram.get(y + 4L * at) : 0);
    }
    FloatVector a0 = Ram.load(scratch);
    FloatVector a1 = N <= 8 ? Ram.load(scratch + Lanes.BYTES) : a0;
    FloatVector a2 = N == 4 ? Ram.load(scratch + 2 * Lanes.BYTES) : a0;
    FloatVector a3 = N == 4 ? Ram.load(scratch + 3 * Lanes.BYTES) : a0;
    for (int i = 0; i < whole; i += LANES) {
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
    return Lanes.fold(a0, a1, a2, a3, scratch);
  }

  /** The sum of (x - mean)^2. */
  static float squaredDeviation(long x, int n, float mean, long scratch) {
    int whole = n / LANES * LANES;
    for (int lane = 0; lane < LANES; lane++) {
      int at = whole + lane;
      Ram.set(scratch + 4L * lane, at < n ? squared(Ram.get(x + 4L * at) - mean) : 0);
    }
    FloatVector a0 = Ram.load(scratch);
    FloatVector a1 = N <= 8 ? Ram.load(scratch + Lanes.BYTES) : a0;
    FloatVector a2 = N == 4 ? Ram.load(scratch + 2 * Lanes.BYTES) : a0;
    FloatVector a3 = N == 4 ? Ram.load(scratch + 3 * Lanes.BYTES) : a0;
    for (int i = 0; i < whole; i += LANES) {
      long at = x + 4L * i;
      a0 = Lanes.addSquare(Ram.load(at).sub(mean), a0);
      if (N <= 8) {
        a1 = Lanes.addSquare(Ram.load(at + Lanes.BYTES).sub(mean), a1);
      }
      if (N == 4) {
        a2 = Lanes.addSquare(Ram.load(at + 2 * Lanes.BYTES).sub(mean), a2);
        a3 = Lanes.addSquare(Ram.load(at + 3 * Lanes.BYTES).sub(mean), a3);
      }
    }
    return Lanes.fold(a0, a1, a2, a3, scratch);
  }

  private static float squared(float x) {
    return x * x;
  }

  /** The largest of x; NaN when one is. */
  static float max(long x, int n, long scratch) {
    float max = Float.NEGATIVE_INFINITY;
    int i = 0;
    if (n >= N) {
      FloatVector lanes = Ram.load(x);
      for (i = N; i + N <= n; i += N) {
        lanes = Ram.load(x + 4L * i).max(lanes);
      }
      Ram.store(lanes, scratch);
      for (int lane = 0; lane < N; lane++) {
        max = Math.max(max, Ram.get(scratch + 4L * lane));
      }
    }
    for (; i < n; i++) {
      max = Math.max(max, Ram.get(x + 4L * i));
    }
    return max;
  }

  /** to = exp(scale * x - shift), and the sum of these; {@code to} may be x. */
  static float exp(long x, long to, int n, float scale, float shift, long scratch) {
    FloatVector minus = Lanes.broadcast(-shift);
    int i = 0;
    for (; i + N <= n; i += N) {
      Ram.store(
          VectorMath.exp(Ram.load(x + 4L * i).fma(Lanes.broadcast(scale), minus)), to + 4L * i);
    }
    if (i < n) {
      expTail(x, i, n, scale, shift, scratch);
      for (int lane = 0; i + lane < n; lane++) {
        Ram.set(to + 4L * (i + lane), Ram.get(scratch + 4L * lane));
      }
    }
    return sum(to, n, scratch);
  }

  /** The sixteen lanes of exp(scale * x - shift) from element {@code i} on, zero from n on. */
  private static void expTail(long x, int i, int n, float scale, float shift, long scratch) {
    for (int lane = 0; lane < LANES; lane++) {
      Ram.set(scratch + 4L * lane, i + lane < n ? Ram.get(x + 4L * (i + lane)) : 0);
    }
    for (long at = scratch; at < scratch + 4L * LANES; at += Lanes.BYTES) {
      Ram.store(
          VectorMath.exp(Ram.load(at).fma(Lanes.broadcast(scale), Lanes.broadcast(-shift))), at);
    }
    for (int lane = n - i; lane < LANES; lane++) {
      Ram.set(scratch + 4L * lane, 0);
    }
  }

  /** The sum of exp(x - shift), without storing these. */
  static float sumExp(long x, int n, float shift, long scratch) {
    int whole = n / LANES * LANES;
    expTail(x, whole, n, 1, shift, scratch);
    FloatVector minus = Lanes.broadcast(-shift);
    FloatVector a0 = Ram.load(scratch);
    FloatVector a1 = N <= 8 ? Ram.load(scratch + Lanes.BYTES) : a0;
    FloatVector a2 = N == 4 ? Ram.load(scratch + 2 * Lanes.BYTES) : a0;
    FloatVector a3 = N == 4 ? Ram.load(scratch + 3 * Lanes.BYTES) : a0;
    for (int i = 0; i < whole; i += LANES) {
      long at = x + 4L * i;
      a0 = VectorMath.exp(Ram.load(at).add(minus)).add(a0);
      if (N <= 8) {
        a1 = VectorMath.exp(Ram.load(at + Lanes.BYTES).add(minus)).add(a1);
      }
      if (N == 4) {
        a2 = VectorMath.exp(Ram.load(at + 2 * Lanes.BYTES).add(minus)).add(a2);
        a3 = VectorMath.exp(Ram.load(at + 3 * Lanes.BYTES).add(minus)).add(a3);
      }
    }
    return Lanes.fold(a0, a1, a2, a3, scratch);
  }

  /** to = (x - mean) * rstd. */
  static void normalize(long x, int n, float mean, float rstd, long to) {
    int i = 0;
    for (; i + N <= n; i += N) {
      Ram.store(Ram.load(x + 4L * i).sub(mean).mul(rstd), to + 4L * i);
    }
    for (; i < n; i++) {
      Ram.set(to + 4L * i, (Ram.get(x + 4L * i) - mean) * rstd);
    }
  }

  /** to = x * y. */
  static void multiply(long x, long y, int n, long to) {
    int i = 0;
    for (; i + N <= n; i += N) {
      Ram.store(Ram.load(x + 4L * i).mul(Ram.load(y + 4L * i)), to + 4L * i);
    }
    for (; i < n; i++) {
      Ram.set(to + 4L * i, Ram.get(x + 4L * i) * Ram.get(y + 4L * i));
    }
  }

  /** x *= factor. */
  static void scale(long x, int n, float factor) {
    int i = 0;
    for (; i + N <= n; i += N) {
      Ram.store(Ram.load(x + 4L * i).mul(factor), x + 4L * i);
    }
    for (; i < n; i++) {
      Ram.set(x + 4L * i, Ram.get(x + 4L * i) * factor);
    }
  }

  /** to = x * y + z. */
  static void multiplyAdd(long x, long y, long z, int n, long to) {
    int i = 0;
    for (; i + N <= n; i += N) {
      FloatVector product = Ram.load(x + 4L * i);
      Ram.store(product.fma(Ram.load(y + 4L * i), Ram.load(z + 4L * i)), to + 4L * i);
    }
    for (; i < n; i++) {
      float product = Math.fma(Ram.get(x + 4L * i), Ram.get(y + 4L * i), Ram.get(z + 4L * i));
      Ram.set(to + 4L * i, product);
    }
  }

  /** to = x. */
  static void copy(long x, int n, long to) {
    int i = 0;
    for (; i + N <= n; i += N) {
      Ram.store(Ram.load(x + 4L * i), to + 4L * i);
    }
    for (; i < n; i++) {
      Ram.set(to + 4L * i, Ram.get(x + 4L * i));
    }
  }

  /** to += x. */
  static void add(long x, int n, long to) {
    int i = 0;
    for (; i + N <= n; i += N) {
      Ram.store(Ram.load(to + 4L * i).add(Ram.load(x + 4L * i)), to + 4L * i);
    }
    for (; i < n; i++) {
      Ram.set(to + 4L * i, Ram.get(to + 4L * i) + Ram.get(x + 4L * i));
    }
  }
}
