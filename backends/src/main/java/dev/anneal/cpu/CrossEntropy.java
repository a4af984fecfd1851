package dev.anneal.cpu;

import dev.anneal.plan.Op;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Softmax cross-entropy over rows of V of Vp logits. Forward reads a row twice (largest, then sum
 * of exponentials), backward reads and writes it once, in place of the logits: 16 Vp bytes per
 * token in all. Probabilities are never stored; logSumExp is enough to have them again.
 */
final class CrossEntropy {
  /** Logits per task, at least. */
  private static final int WORK = 16384;

  private CrossEntropy() {}

  private static int rowsPerTask(int columns) {
    return Math.max(1, WORK / columns);
  }

  static Kernel forward(Op.CrossEntropyForward op, Kernel.Addresses at) {
    long losses = at.of(op.losses());
    long logSumExps = at.of(op.logSumExp());
    long logits = at.of(op.logits());
    long targets = at.of(op.targets());
    int rows = Math.toIntExact(op.targets().elements());
    int padded = op.logits().shape().dim(-1);
    int v = op.vocabulary();
    int perTask = rowsPerTask(padded);
    return Kernel.of(
        Math.ceilDiv(rows, perTask),
        (task, worker) -> {
          int end = Math.min(rows, (task + 1) * perTask);
          for (int row = task * perTask; row < end; row++) {
            long x = logits + 4L * row * padded;
            float max = Rows.max(x, v, worker.threadScratch());
            float sum = Rows.sumExp(x, v, max, worker.threadScratch());
            float logSumExp = max + VectorMath.log(sum);
            Ram.set(logSumExps + 4L * row, logSumExp);
            int target = Ram.getInt(targets + 4L * row);
            Ram.set(losses + 4L * row, logSumExp - Ram.get(x + 4L * target));
          }
        });
  }

  static Kernel backward(Op.CrossEntropyBackward op, Kernel.Addresses at) {
    long dLogits = at.of(op.dLogits());
    long dLosses = at.of(op.dLosses());
    long logits = at.of(op.logits());
    long logSumExps = at.of(op.logSumExp());
    long targets = at.of(op.targets());
    int rows = Math.toIntExact(op.targets().elements());
    int padded = op.logits().shape().dim(-1);
    int v = op.vocabulary();
    int perTask = rowsPerTask(padded);
    return Kernel.of(
        Math.ceilDiv(rows, perTask),
        (task, worker) -> {
          int end = Math.min(rows, (task + 1) * perTask);
          for (int row = task * perTask; row < end; row++) {
            long x = logits + 4L * row * padded;
            long d = dLogits + 4L * row * padded;
            float dLoss = Ram.get(dLosses + 4L * row);
            float logSumExp = Ram.get(logSumExps + 4L * row);
            int hit = Ram.getInt(targets + 4L * row);
            // Of a loss that is not finite no update is to come.
            boolean finite = Float.isFinite(Ram.get(x + 4L * hit) - logSumExp);
            for (int i = 0; i < v; i += Lanes.N) {
              VectorMask<Float> mask = Lanes.in(i, v);
              FloatVector p = VectorMath.exp(Ram.load(x + 4L * i, mask).sub(logSumExp));
              Ram.store(p.mul(dLoss), d + 4L * i, mask);
            }
            for (int i = v; i < padded; i++) {
              Ram.set(d + 4L * i, 0);
            }
            long target = d + 4L * hit;
            Ram.set(target, finite ? Ram.get(target) - dLoss : Float.NaN);
          }
        });
  }

  static Kernel mean(Op.MeanForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long in = at.of(op.in());
    long n = op.in().elements();
    return Kernel.of(
        1,
        (task, worker) -> {
          double sum = 0;
          for (long i = 0; i < n; i++) {
            sum += Ram.get(in + 4 * i);
          }
          Ram.set(out, (float) (sum / n));
        });
  }

  static Kernel meanBackward(Op.MeanBackward op, Kernel.Addresses at) {
    long dIn = at.of(op.dIn());
    long dOut = at.of(op.dOut());
    long n = op.dIn().elements();
    return Kernel.of(
        1,
        (task, worker) -> {
          float part = Ram.get(dOut) / n;
          for (long i = 0; i < n; i++) {
            Ram.set(dIn + 4 * i, part);
          }
        });
  }
}
