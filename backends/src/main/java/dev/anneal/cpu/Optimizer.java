package dev.anneal.cpu;

import dev.anneal.cpu.Kernel.Phase;
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
          FloatVector beta1 = Rows.broadcast(op.beta1());
          FloatVector beta2 = Rows.broadcast(op.beta2());
          long from = 4L * task * CHUNK;
          long end = Math.min(from + 4L * CHUNK, 4 * elements);
          // Whole vectors: the last one may reach into the tensor's own padding.
          for (long i = from; i < end; i += Lanes.BYTES) {
            FloatVector g = Ram.load(gradient + i).mul(scale);
            FloatVector m = Ram.load(ms + i).fma(beta1, g.mul(1 - op.beta1()));
            FloatVector v = Ram.load(vs + i).fma(beta2, g.mul(g).mul(1 - op.beta2()));
            Ram.store(m, ms + i);
            Ram.store(v, vs + i);
            FloatVector step = m.mul(c1).div(v.mul(c2).sqrt().add(op.epsilon()));
            FloatVector p = Ram.load(parameter + i).mul(keep);
            Ram.store(step.fma(Rows.broadcast(-lr), p), parameter + i);
          }
        });
  }
}
