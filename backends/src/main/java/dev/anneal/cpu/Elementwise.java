package dev.anneal.cpu;

import dev.anneal.plan.Op;
import jdk.incubator.vector.FloatVector;

/**
 * Ops whose every element stands alone: the residual sum, GELU and its gradient. They read 4 or 8
 * bytes and write 4 per element, in tasks that fit the first-level cache; {@code out} may be one of
 * the inputs. They compute whole vectors: the last one may reach into the tensor's own padding,
 * which the layout gives every tensor up to the next 64 bytes.
 *
 * <p>GELU is written with a sigmoid, since 0.5 (1 + tanh u) = 1 / (1 + exp(-2u)): one exponential
 * and one division, and no cancellation for small u.
 */
final class Elementwise {
  private static final int CHUNK = 4096;

  private static final float TWO_SQRT_2_OVER_PI = 1.5957691216f;
  private static final float CUBIC = 0.044715f;

  private Elementwise() {}

  /** Computes {@code n} elements from byte {@code offset} on. */
  private interface Chunk {
    void run(long offset, int n);
  }

  private static Kernel kernel(long elements, Chunk chunk) {
    return Kernel.of(
        Math.toIntExact(Math.ceilDiv(elements, CHUNK)),
        (task, worker) -> {
          long from = (long) task * CHUNK;
          chunk.run(4 * from, (int) Math.min(CHUNK, elements - from));
        });
  }

  static Kernel add(Op.Add op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long a = at.of(op.a());
    long b = at.of(op.b());
    return kernel(op.out().elements(), (offset, n) -> add(out + offset, a + offset, b + offset, n));
  }

  private static void add(long out, long a, long b, int n) {
    for (int i = 0; i < n; i += Lanes.N) {
      long o = 4L * i;
      Ram.store(Ram.load(a + o).add(Ram.load(b + o)), out + o);
    }
  }

  static Kernel gelu(Op.GeluForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long in = at.of(op.in());
    return kernel(op.out().elements(), (offset, n) -> gelu(out + offset, in + offset, n));
  }

  private static void gelu(long out, long in, int n) {
    for (int i = 0; i < n; i += Lanes.N) {
      FloatVector x = Ram.load(in + 4L * i);
      Ram.store(x.mul(sigmoid(twiceU(x))), out + 4L * i);
    }
  }

  static Kernel geluBackward(Op.GeluBackward op, Kernel.Addresses at) {
    long dIn = at.of(op.dIn());
    long dOut = at.of(op.dOut());
    long in = at.of(op.in());
    return kernel(
        op.dIn().elements(),
        (offset, n) -> geluBackward(dIn + offset, dOut + offset, in + offset, n));
  }

  private static void geluBackward(long dIn, long dOut, long in, int n) {
    for (int i = 0; i < n; i += Lanes.N) {
      FloatVector x = Ram.load(in + 4L * i);
      FloatVector s = sigmoid(twiceU(x));
      // d(2u)/dx = 2 sqrt(2/pi) (1 + 3 * 0.044715 x^2)
      FloatVector slope = x.mul(x).fma(3 * CUBIC * TWO_SQRT_2_OVER_PI, TWO_SQRT_2_OVER_PI);
      FloatVector ds = s.sub(s.mul(s)).mul(slope);
      FloatVector d = x.fma(ds, s);
      Ram.store(d.mul(Ram.load(dOut + 4L * i)), dIn + 4L * i);
    }
  }

  /** 2u = 2 sqrt(2/pi) (x + 0.044715 x^3). */
  private static FloatVector twiceU(FloatVector x) {
    return x.mul(x.mul(x).fma(CUBIC * TWO_SQRT_2_OVER_PI, TWO_SQRT_2_OVER_PI));
  }

  /** 1 / (1 + exp(-x)). */
  static FloatVector sigmoid(FloatVector x) {
    FloatVector one = FloatVector.broadcast(Lanes.F, 1f);
    return one.div(VectorMath.exp(x.neg()).add(1f));
  }
}
