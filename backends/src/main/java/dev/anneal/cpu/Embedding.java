package dev.anneal.cpu;

import dev.anneal.cpu.Kernel.Phase;
import dev.anneal.plan.Op;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Token and position embeddings. Forward reads two rows and writes one per token: 12 C bytes.
 * Backward to the tokens gives each task some channels of all tokens: whoever adds to a row adds in
 * order of (b,t), without atomics and without sorting.
 */
final class Embedding {
  private static final int ROWS = 16;
  private static final int CHANNELS = 64;

  private Embedding() {}

  static Kernel forward(Op.EmbeddingForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long tokens = at.of(op.tokens());
    long wte = at.of(op.wte());
    long wpe = at.of(op.wpe());
    boolean hasStart = op.start().isPresent();
    long startAt = op.start().map(at::of).orElse(0L);
    int rows = Math.toIntExact(op.tokens().elements());
    int t = op.tokens().shape().dim(-1);
    int c = op.wte().shape().dim(-1);
    return Kernel.of(
        Math.ceilDiv(rows, ROWS),
        (task, worker) -> {
          int start = hasStart ? Ram.getInt(startAt) : 0;
          int end = Math.min(rows, (task + 1) * ROWS);
          for (int row = task * ROWS; row < end; row++) {
            long token = wte + 4L * c * Ram.getInt(tokens + 4L * row);
            long position = wpe + 4L * c * (start + row % t);
            long to = out + 4L * c * row;
            for (int i = 0; i < c; i += Lanes.N) {
              VectorMask<Float> mask = Lanes.in(i, c);
              FloatVector sum =
                  Ram.load(token + 4L * i, mask).add(Ram.load(position + 4L * i, mask));
              Ram.store(sum, to + 4L * i, mask);
            }
          }
        });
  }

  static Kernel tokenForward(Op.TokenEmbeddingForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long tokens = at.of(op.tokens());
    long wte = at.of(op.wte());
    int rows = Math.toIntExact(op.tokens().elements());
    int c = op.wte().shape().dim(-1);
    return Kernel.of(
        Math.ceilDiv(rows, ROWS),
        (task, worker) -> {
          int end = Math.min(rows, (task + 1) * ROWS);
          for (int row = task * ROWS; row < end; row++) {
            Rows.copy(wte + 4L * c * Ram.getInt(tokens + 4L * row), c, out + 4L * c * row);
          }
        });
  }

  static Kernel tokenBackward(Op.TokenEmbeddingBackward op, Kernel.Addresses at) {
    long dWte = at.of(op.dWte());
    long dOut = at.of(op.dOut());
    long tokens = at.of(op.tokens());
    int rows = Math.toIntExact(op.tokens().elements());
    int vocabulary = op.dWte().shape().dim(0);
    int c = op.dWte().shape().dim(1);
    Phase add =
        new Phase(
            Math.ceilDiv(c, CHANNELS),
            (task, worker) -> {
              int from = task * CHANNELS;
              int end = Math.min(c, from + CHANNELS);
              for (int row = 0; row < rows; row++) {
                long to = dWte + 4L * c * Ram.getInt(tokens + 4L * row);
                long source = dOut + 4L * c * row;
                for (int i = from; i < end; i += Lanes.N) {
                  VectorMask<Float> mask = Lanes.in(i, end);
                  FloatVector sum =
                      Ram.load(to + 4L * i, mask).add(Ram.load(source + 4L * i, mask));
                  Ram.store(sum, to + 4L * i, mask);
                }
              }
            });
    if (op.accumulate()) {
      return new Kernel(List.of(add), Kernel.Scratch.NONE);
    }
    Phase clear =
        new Phase(
            Math.ceilDiv(vocabulary, CHANNELS),
            (task, worker) -> {
              int first = task * CHANNELS;
              int count = Math.min(CHANNELS, vocabulary - first);
              clear(dWte + 4L * c * first, (long) count * c);
            });
    return new Kernel(List.of(clear, add), Kernel.Scratch.NONE);
  }

  private static void clear(long at, long n) {
    Ram.ALL.asSlice(at, 4 * n).fill((byte) 0);
  }

  static Kernel positionBackward(Op.PositionEmbeddingBackward op, Kernel.Addresses at) {
    long dWpe = at.of(op.dWpe());
    long dOut = at.of(op.dOut());
    int batch = op.dOut().shape().dim(0);
    int t = op.dOut().shape().dim(1);
    int context = op.dWpe().shape().dim(0);
    int c = op.dWpe().shape().dim(1);
    return Kernel.of(
        Math.ceilDiv(context, ROWS),
        (task, worker) -> {
          int end = Math.min(context, (task + 1) * ROWS);
          for (int row = task * ROWS; row < end; row++) {
            long to = dWpe + 4L * c * row;
            if (row >= t) {
              if (!op.accumulate()) {
                clear(to, c);
              }
              continue;
            }
            for (int i = 0; i < c; i += Lanes.N) {
              VectorMask<Float> mask = Lanes.in(i, c);
              FloatVector sum =
                  op.accumulate() ? Ram.load(to + 4L * i, mask) : FloatVector.zero(Lanes.F);
              for (int b = 0; b < batch; b++) {
                sum = Ram.load(dOut + 4L * (((long) b * t + row) * c + i), mask).add(sum);
              }
              Ram.store(sum, to + 4L * i, mask);
            }
          }
        });
  }
}
