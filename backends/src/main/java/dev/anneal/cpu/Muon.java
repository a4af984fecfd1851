package dev.anneal.cpu;

import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Tensor;
import jdk.incubator.vector.FloatVector;

/**
 * What Muon does to a matrix besides products. All of it is limited by memory: per element 8 bytes
 * read and 8 written for the momentum, 4 and 4 to normalize, 8 and 4 for a weighted sum and for the
 * update. Whole vectors: the last one may reach into the tensor's own padding. Where rows and
 * columns are exchanged, a task has a band of the result's rows.
 */
final class Muon {
  private static final int CHUNK = 4096;
  private static final int BAND = 16;

  private Muon() {}

  static Kernel kernel(MuonOp op, Kernel.Addresses at) {
    return switch (op) {
      case MuonOp.MuonMomentum o -> momentum(o, at);
      case MuonOp.Normalize o -> normalize(o, at);
      case MuonOp.WeightedSum o -> weightedSum(o, at);
      case MuonOp.MuonUpdate o -> update(o, at);
    };
  }

  /** Computes the elements of which the bytes begin at {@code from} and end before {@code end}. */
  private interface Chunk {
    void run(long from, long end);
  }

  private static Kernel chunks(Tensor tensor, Chunk chunk) {
    long elements = tensor.elements();
    return Kernel.of(
        Math.toIntExact(Math.ceilDiv(elements, CHUNK)),
        (task, worker) -> {
          long from = (long) task * CHUNK;
          chunk.run(4 * from, 4 * Math.min(from + CHUNK, elements));
        });
  }

  private static Kernel momentum(MuonOp.MuonMomentum op, Kernel.Addresses at) {
    long direction = at.of(op.direction());
    long momentum = at.of(op.momentum());
    long gradient = at.of(op.gradient());
    long normAt = at.of(op.norm());
    float beta = op.beta();
    return chunks(
        op.direction(),
        (from, end) -> {
          float norm = Ram.get(normAt);
          if (!Float.isFinite(norm)) {
            for (long i = from; i < end; i += Float.BYTES) {
              Ram.set(direction + i, 0);
            }
            return;
          }
          float scale = norm > op.maxNorm() ? op.maxNorm() / norm : 1;
          momentum(direction, momentum, gradient, from, end, scale, beta);
        });
  }

  private static void momentum(
      long direction, long momentum, long gradient, long from, long end, float scale, float beta) {
    for (long i = from; i < end; i += Lanes.BYTES) {
      FloatVector g = Ram.load(gradient + i).mul(scale).mul(1 - beta);
      FloatVector m = Ram.load(momentum + i).fma(Lanes.broadcast(beta), g);
      Ram.store(m, momentum + i);
      Ram.store(m.fma(Lanes.broadcast(beta), g), direction + i);
    }
  }

  private static Kernel weightedSum(MuonOp.WeightedSum op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long a = at.of(op.a());
    long b = at.of(op.b());
    return chunks(
        op.out(), (from, end) -> weightedSum(out, a, b, from, end, op.alpha(), op.beta()));
  }

  private static void weightedSum(
      long out, long a, long b, long from, long end, float alpha, float beta) {
    for (long i = from; i < end; i += Lanes.BYTES) {
      FloatVector second = Ram.load(b + i).mul(beta);
      Ram.store(Ram.load(a + i).fma(Lanes.broadcast(alpha), second), out + i);
    }
  }

  private static Kernel normalize(MuonOp.Normalize op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long in = at.of(op.in());
    long length = at.of(op.length());
    int rows = op.out().shape().dim(0);
    int columns = op.out().shape().dim(1);
    if (!op.transposed()) {
      return chunks(
          op.out(), (from, end) -> scale(out, in, from, end, 1 / (Ram.get(length) + op.epsilon())));
    }
    return Kernel.of(
        Math.ceilDiv(rows, BAND),
        (task, worker) -> {
          float factor = 1 / (Ram.get(length) + op.epsilon());
          int last = Math.min(rows, (task + 1) * BAND);
          for (int c = 0; c < columns; c++) {
            for (int r = task * BAND; r < last; r++) {
              float value = Ram.get(in + 4 * ((long) c * rows + r));
              Ram.set(out + 4 * ((long) r * columns + c), value * factor);
            }
          }
        });
  }

  private static void scale(long out, long in, long from, long end, float factor) {
    for (long i = from; i < end; i += Lanes.BYTES) {
      Ram.store(Ram.load(in + i).mul(factor), out + i);
    }
  }

  private static Kernel update(MuonOp.MuonUpdate op, Kernel.Addresses at) {
    long parameter = at.of(op.parameter());
    long direction = at.of(op.direction());
    long norm = at.of(op.norm());
    long schedule = at.of(op.schedule());
    int rows = op.parameter().shape().dim(0);
    int columns = op.parameter().shape().dim(1);
    if (!op.transposed()) {
      return chunks(
          op.parameter(),
          (from, end) -> {
            if (Float.isFinite(Ram.get(norm))) {
              float lr = Ram.get(schedule) * op.rate();
              move(parameter, direction, from, end, -lr * op.scale(), 1 - lr * op.weightDecay());
            }
          });
    }
    return Kernel.of(
        Math.ceilDiv(rows, BAND),
        (task, worker) -> {
          if (!Float.isFinite(Ram.get(norm))) {
            return;
          }
          float lr = Ram.get(schedule) * op.rate();
          float factor = -lr * op.scale();
          float keep = 1 - lr * op.weightDecay();
          int last = Math.min(rows, (task + 1) * BAND);
          for (int c = 0; c < columns; c++) {
            for (int r = task * BAND; r < last; r++) {
              long p = parameter + 4 * ((long) r * columns + c);
              float u = Ram.get(direction + 4 * ((long) c * rows + r));
              Ram.set(p, Math.fma(u, factor, Ram.get(p) * keep));
            }
          }
        });
  }

  private static void move(
      long parameter, long direction, long from, long end, float factor, float keep) {
    for (long i = from; i < end; i += Lanes.BYTES) {
      FloatVector p = Ram.load(parameter + i).mul(keep);
      Ram.store(Ram.load(direction + i).fma(Lanes.broadcast(factor), p), parameter + i);
    }
  }
}
