package dev.anneal.cpu;

import dev.anneal.cpu.Kernel.Phase;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/**
 * The global norm of all gradients, and AdamW. Both are limited by memory: 4 bytes read per
 * parameter for the norm; 16 read and 12 written for AdamW.
 *
 * <p>The norm sums squares over tiles of {@value #TILE} elements in 16 lanes, and the tiles in
 * order in double precision.
 */
final class Optimizer {
  private static final int TILE = 4096;
  private static final int TILES_PER_TASK = 16;
  private static final int CHUNK = 16384;

  /** Elements whose moments are still in the first-level cache when the parameter moves. */
  private static final long BLOCK = 1024;

  private Optimizer() {}

  private record Piece(long address, long firstTile, long elements) {}

  static Kernel globalNorm(Op.GlobalNorm op, Kernel.Addresses at) {
    List<Piece> pieces = new ArrayList<>();
    long tiles = 0;
    long taskElements = (long) TILE * TILES_PER_TASK;
    for (Tensor gradient : op.gradients()) {
      for (long from = 0; from < gradient.elements(); from += taskElements) {
        long elements = Math.min(taskElements, gradient.elements() - from);
        pieces.add(new Piece(at.of(gradient) + 4 * from, tiles, elements));
        tiles += Math.ceilDiv(elements, TILE);
      }
    }
    Piece[] all = pieces.toArray(Piece[]::new);
    long count = tiles;
    long norm = at.of(op.norm());
    Phase squares =
        new Phase(
            all.length,
            (task, worker) -> {
              Piece piece = all[task];
              long partial = worker.sharedScratch() + 4 * piece.firstTile();
              for (long from = 0; from < piece.elements(); from += TILE) {
                int n = (int) Math.min(TILE, piece.elements() - from);
                long x = piece.address() + 4 * from;
                Ram.set(partial, Rows.dot(x, x, n, worker.threadScratch()));
                partial += 4;
              }
            });
    Phase total =
        new Phase(
            1,
            (task, worker) -> {
              double sum = 0;
              for (long i = 0; i < count; i++) {
                sum += Ram.get(worker.sharedScratch() + 4 * i);
              }
              Ram.set(norm, (float) Math.sqrt(sum));
            });
    return new Kernel(List.of(squares, total), new Kernel.Scratch(0, 4 * count, 0, 0));
  }

  static Kernel adamW(Op.AdamW op, Kernel.Addresses at) {
    long parameter = at.of(op.parameter());
    long ms = at.of(op.m());
    long vs = at.of(op.v());
    long gradient = at.of(op.gradient());
    long normAt = at.of(op.norm());
    long schedule = at.of(op.schedule());
    long elements = op.parameter().elements();
    return Kernel.of(
        Math.toIntExact(Math.ceilDiv(elements, CHUNK)),
        (task, worker) -> {
          float norm = Ram.get(normAt);
          if (!Float.isFinite(norm)) {
            return;
          }
          float scale = norm > op.maxNorm() ? op.maxNorm() / norm : 1;
          float lr = Ram.get(schedule);
          float c1 = 1 / Ram.get(schedule + 4);
          float c2 = 1 / Ram.get(schedule + 8);
          float keep = 1 - lr * op.weightDecay();
          long from = 4L * task * CHUNK;
          long end = Math.min(from + 4L * CHUNK, 4 * elements);
          for (long i = from; i < end; i += 4 * BLOCK) {
            long n = Math.min(4 * BLOCK, end - i);
            moments(gradient + i, ms + i, vs + i, n, scale, op.beta1(), op.beta2());
            move(parameter + i, ms + i, vs + i, n, lr, c1, c2, op.epsilon(), keep);
          }
        });
  }

  /** A copy: this device stores fp32 alone. */
  static Kernel cast(Op.Cast op, Kernel.Addresses at) {
    if (op.out().dtype() != DType.F32) {
      throw new IllegalArgumentException("the CPU stores fp32, not " + op.out().dtype());
    }
    long in = at.of(op.in());
    long out = at.of(op.out());
    long elements = op.out().elements();
    return Kernel.of(
        Math.toIntExact(Math.ceilDiv(elements, CHUNK)),
        (task, worker) -> {
          long from = (long) task * CHUNK;
          int n = (int) Math.min(CHUNK, elements - from);
          Rows.copy(in + 4 * from, n, out + 4 * from);
        });
  }

  /**
   * m = beta1 m + (1-beta1) g and v = beta2 v + (1-beta2) g^2 for {@code bytes} of them. Whole
   * vectors: the last one may reach into the tensor's own padding.
   */
  private static void moments(
      long gradient, long ms, long vs, long bytes, float scale, float beta1, float beta2) {
    for (long i = 0; i < bytes; i += Lanes.BYTES) {
      FloatVector g = Ram.load(gradient + i).mul(scale);
      FloatVector m = Ram.load(ms + i).fma(Lanes.broadcast(beta1), g.mul(1 - beta1));
      FloatVector v = Ram.load(vs + i).fma(Lanes.broadcast(beta2), g.mul(g).mul(1 - beta2));
      Ram.store(m, ms + i);
      Ram.store(v, vs + i);
    }
  }

  /** p = keep p - lr (m c1) / (sqrt(v c2) + epsilon). */
  private static void move(
      long parameter,
      long ms,
      long vs,
      long bytes,
      float lr,
      float c1,
      float c2,
      float epsilon,
      float keep) {
    for (long i = 0; i < bytes; i += Lanes.BYTES) {
      FloatVector root = Ram.load(vs + i).mul(c2).sqrt().add(epsilon);
      FloatVector step = Ram.load(ms + i).mul(c1).div(root);
      FloatVector p = Ram.load(parameter + i).mul(keep);
      Ram.store(step.fma(Lanes.broadcast(-lr), p), parameter + i);
    }
  }
}
