package dev.anneal.cpu;

import dev.anneal.plan.Op;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * SwiGLU's gate and its gradient, row by row. Forward reads 2 F numbers and writes F; backward
 * reads 3 F and writes 2 F. One exponential and one division per channel.
 */
final class SwiGlu {
  private static final int CHUNK = 4096;

  private SwiGlu() {}

  /** Computes one row. */
  private interface Row {
    void run(long row);
  }

  private static Kernel kernel(int rows, int f, Row each) {
    int perTask = Math.max(1, CHUNK / f);
    return Kernel.of(
        Math.ceilDiv(rows, perTask),
        (task, worker) -> {
          int end = Math.min(rows, (task + 1) * perTask);
          for (int row = task * perTask; row < end; row++) {
            each.run(row);
          }
        });
  }

  static Kernel forward(Op.SwiGluForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long in = at.of(op.in());
    int f = op.out().shape().dim(-1);
    return kernel(
        Math.toIntExact(op.out().shape().rows()),
        f,
        row -> forward(in + 8L * f * row, out + 4L * f * row, f));
  }

  private static void forward(long in, long out, int f) {
    for (int i = 0; i < f; i += Lanes.N) {
      VectorMask<Float> mask = Lanes.in(i, f);
      FloatVector gate = Ram.load(in + 4L * i, mask);
      FloatVector up = Ram.load(in + 4L * (f + i), mask);
      Ram.store(gate.mul(Elementwise.sigmoid(gate)).mul(up), out + 4L * i, mask);
    }
  }

  static Kernel backward(Op.SwiGluBackward op, Kernel.Addresses at) {
    long dIn = at.of(op.dIn());
    long dOut = at.of(op.dOut());
    long in = at.of(op.in());
    int f = op.dOut().shape().dim(-1);
    return kernel(
        Math.toIntExact(op.dOut().shape().rows()),
        f,
        row -> backward(in + 8L * f * row, dOut + 4L * f * row, dIn + 8L * f * row, f));
  }

  private static void backward(long in, long dOut, long dIn, int f) {
    for (int i = 0; i < f; i += Lanes.N) {
      VectorMask<Float> mask = Lanes.in(i, f);
      FloatVector gate = Ram.load(in + 4L * i, mask);
      FloatVector up = Ram.load(in + 4L * (f + i), mask);
      FloatVector d = Ram.load(dOut + 4L * i, mask);
      FloatVector s = Elementwise.sigmoid(gate);
      FloatVector silu = gate.mul(s);
      // silu' = s (1 + gate (1 - s)) = s + silu (1 - s)
      FloatVector slope = silu.sub(silu.mul(s)).add(s);
      Ram.store(d.mul(up).mul(slope), dIn + 4L * i, mask);
      Ram.store(d.mul(silu), dIn + 4L * (f + i), mask);
    }
  }
}
