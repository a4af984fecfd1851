package dev.anneal.cpu;

import dev.anneal.cpu.Kernel.Phase;
import dev.anneal.plan.Op;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * RMS normalisation of rows of C channels. Forward reads each row twice from the first-level cache
 * and once from memory: 8 bytes of traffic per element. Backward reads in and dOut, writes dIn: 12
 * bytes; the gradient of the weight is summed over tiles of {@value #TILE} rows, then over the
 * tiles in order, so that it does not depend on who computed which tile.
 */
final class RmsNorm {
  private static final int TILE = 16;
  private static final int COLUMNS = 64;

  private RmsNorm() {}

  static Kernel forward(Op.RmsNormForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long rstds = at.of(op.rstd());
    long in = at.of(op.in());
    long weight = at.of(op.weight());
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    return Kernel.of(
        Math.ceilDiv(rows, TILE),
        (task, worker) -> {
          int end = Math.min(rows, (task + 1) * TILE);
          for (int row = task * TILE; row < end; row++) {
            long x = in + 4L * row * c;
            long y = out + 4L * row * c;
            float squares = Rows.dot(x, x, c, worker.threadScratch()) / c;
            float rstd = (float) (1 / Math.sqrt(squares + op.epsilon()));
            Rows.normalize(x, c, 0, rstd, y);
            Rows.multiply(y, weight, c, y);
            Ram.set(rstds + 4L * row, rstd);
          }
        });
  }

  static Kernel backward(Op.RmsNormBackward op, Kernel.Addresses at) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    int tiles = Math.ceilDiv(rows, TILE);
    int stride = Math.ceilDiv(c, Rows.LANES) * Rows.LANES;
    long tileBytes = 4L * stride;
    Rowwise rowwise = new Rowwise(op, at, c);
    Phase toInput =
        new Phase(
            tiles,
            (task, worker) -> {
              long dWeight = worker.sharedScratch() + task * tileBytes;
              Ram.ALL.asSlice(dWeight, tileBytes).fill((byte) 0);
              int end = Math.min(rows, (task + 1) * TILE);
              for (int row = task * TILE; row < end; row++) {
                rowwise.backward(row, dWeight, worker.threadScratch());
              }
            });
    long dWeightTotal = at.of(op.dWeight());
    Phase toWeight =
        new Phase(
            Math.ceilDiv(c, COLUMNS),
            (task, worker) -> {
              int end = Math.min(c, (task + 1) * COLUMNS);
              for (int i = task * COLUMNS; i < end; i += Lanes.N) {
                VectorMask<Float> mask = Lanes.in(i, end);
                long partial = worker.sharedScratch() + 4L * i;
                LayerNorm.sumTiles(
                    partial, tileBytes, tiles, dWeightTotal + 4L * i, mask, op.accumulate());
              }
            });
    return new Kernel(
        List.of(toInput, toWeight), new Kernel.Scratch(64 + 8L * stride, tiles * tileBytes, 0, 0));
  }

  /** The backward pass of single rows. */
  private static final class Rowwise {
    private final long dIn;
    private final long dOut;
    private final long in;
    private final long weight;
    private final long rstds;
    private final boolean hasResidual;
    private final long residual;
    private final int c;

    Rowwise(Op.RmsNormBackward op, Kernel.Addresses at, int c) {
      this.dIn = at.of(op.dIn());
      this.dOut = at.of(op.dOut());
      this.in = at.of(op.in());
      this.weight = at.of(op.weight());
      this.rstds = at.of(op.rstd());
      this.hasResidual = op.residual().isPresent();
      this.residual = op.residual().map(at::of).orElse(0L);
      this.c = c;
    }

    void backward(int row, long dWeight, long lanes) {
      long offset = 4L * row * c;
      long g = lanes + 64;
      long n = g + 4L * Math.ceilDiv(c, Rows.LANES) * Rows.LANES;
      float rstd = Ram.get(rstds + 4L * row);
      long d = dOut + offset;
      Rows.normalize(in + offset, c, 0, rstd, n);
      Rows.multiply(d, weight, c, g);
      Rows.multiplyAdd(d, n, dWeight, c, dWeight);
      toInput(g, n, Rows.dot(g, n, c, lanes) / c, rstd);
      if (hasResidual) {
        Rows.add(residual + offset, c, g);
      }
      Rows.copy(g, c, dIn + offset);
    }

    /** g = rstd * (g - n * meanGn). */
    private void toInput(long g, long n, float meanGn, float rstd) {
      for (int i = 0; i < c; i += Lanes.N) {
        FloatVector part = Ram.load(g + 4L * i);
        part = Ram.load(n + 4L * i).fma(Lanes.broadcast(-meanGn), part).mul(rstd);
        Ram.store(part, g + 4L * i);
      }
    }
  }
}
