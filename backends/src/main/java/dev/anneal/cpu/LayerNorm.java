package dev.anneal.cpu;

import dev.anneal.cpu.Kernel.Phase;
import dev.anneal.plan.Op;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Layer normalisation of rows of C channels. Forward reads each row three times from the
 * first-level cache (sum, squared deviations, result) and once from memory: 8 bytes of traffic per
 * element. Backward reads in and dOut, writes dIn: 12 bytes; the gradients of weight and bias are
 * summed over tiles of {@value #TILE} rows, then over the tiles in order, so that they do not
 * depend on who computed which tile.
 */
final class LayerNorm {
  private static final int TILE = 16;
  private static final int COLUMNS = 64;

  private LayerNorm() {}

  static Kernel forward(Op.LayerNormForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long means = at.of(op.mean());
    long rstds = at.of(op.rstd());
    long in = at.of(op.in());
    long weight = at.of(op.weight());
    long bias = at.of(op.bias());
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    return Kernel.of(
        Math.ceilDiv(rows, TILE),
        (task, worker) -> {
          int end = Math.min(rows, (task + 1) * TILE);
          for (int row = task * TILE; row < end; row++) {
            long x = in + 4L * row * c;
            long y = out + 4L * row * c;
            float mean = Rows.sum(x, c, worker.threadScratch()) / c;
            float variance = Rows.squaredDeviation(x, c, mean, worker.threadScratch()) / c;
            float rstd = (float) (1 / Math.sqrt(variance + op.epsilon()));
            Rows.normalize(x, c, mean, rstd, y);
            Rows.multiplyAdd(y, weight, bias, c, y);
            Ram.set(means + 4L * row, mean);
            Ram.set(rstds + 4L * row, rstd);
          }
        });
  }

  static Kernel backward(Op.LayerNormBackward op, Kernel.Addresses at) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    int tiles = Math.ceilDiv(rows, TILE);
    int stride = Math.ceilDiv(c, Rows.LANES) * Rows.LANES;
    long tileBytes = 8L * stride;
    Rowwise rowwise = new Rowwise(op, at, c);
    Phase toInput =
        new Phase(
            tiles,
            (task, worker) -> {
              long dWeight = worker.sharedScratch() + task * tileBytes;
              long dBias = dWeight + 4L * stride;
              Ram.ALL.asSlice(dWeight, tileBytes).fill((byte) 0);
              int end = Math.min(rows, (task + 1) * TILE);
              for (int row = task * TILE; row < end; row++) {
                rowwise.backward(row, dWeight, dBias, worker);
              }
            });
    long dWeightTotal = at.of(op.dWeight());
    long dBiasTotal = at.of(op.dBias());
    Phase toWeights =
        new Phase(
            Math.ceilDiv(c, COLUMNS),
            (task, worker) -> {
              int end = Math.min(c, (task + 1) * COLUMNS);
              for (int i = task * COLUMNS; i < end; i += Lanes.N) {
                long partial = worker.sharedScratch() + 4L * i;
                VectorMask<Float> mask = Lanes.in(i, end);
                sumTiles(partial, tileBytes, tiles, dWeightTotal + 4L * i, mask, op.accumulate());
                sumTiles(
                    partial + 4L * stride,
                    tileBytes,
                    tiles,
                    dBiasTotal + 4L * i,
                    mask,
                    op.accumulate());
              }
            });
    return new Kernel(
        List.of(toInput, toWeights), new Kernel.Scratch(64 + 8L * stride, tiles * tileBytes, 0, 0));
  }

  /** to (+)= the sum over all tiles, in their order. */
  static void sumTiles(
      long from, long stride, int tiles, long to, VectorMask<Float> mask, boolean add) {
    FloatVector sum = add ? Ram.load(to, mask) : FloatVector.zero(Lanes.F);
    for (int i = 0; i < tiles; i++) {
      sum = Ram.load(from + i * stride, mask).add(sum);
    }
    Ram.store(sum, to, mask);
  }

  /** The backward pass of single rows. */
  private static final class Rowwise {
    private final long dIn;
    private final long dOut;
    private final long in;
    private final long weight;
    private final long means;
    private final long rstds;
    private final boolean hasResidual;
    private final long residual;
    private final int c;

    Rowwise(Op.LayerNormBackward op, Kernel.Addresses at, int c) {
      this.dIn = at.of(op.dIn());
      this.dOut = at.of(op.dOut());
      this.in = at.of(op.in());
      this.weight = at.of(op.weight());
      this.means = at.of(op.mean());
      this.rstds = at.of(op.rstd());
      this.hasResidual = op.residual().isPresent();
      this.residual = op.residual().map(at::of).orElse(0L);
      this.c = c;
    }

    void backward(int row, long dWeight, long dBias, Kernel.Worker worker) {
      long offset = 4L * row * c;
      long lanes = worker.threadScratch();
      long g = lanes + 64;
      long n = g + 4L * Math.ceilDiv(c, Rows.LANES) * Rows.LANES;
      float mean = Ram.get(means + 4L * row);
      float rstd = Ram.get(rstds + 4L * row);
      long d = dOut + offset;
      // Short loops over a row that is in the cache: the compiler keeps each in registers.
      Rows.normalize(in + offset, c, mean, rstd, n);
      Rows.multiply(d, weight, c, g);
      Rows.multiplyAdd(d, n, dWeight, c, dWeight);
      Rows.add(d, c, dBias);
      float meanG = Rows.sum(g, c, lanes) / c;
      float meanGn = Rows.dot(g, n, c, lanes) / c;
      toInput(g, n, meanG, meanGn, rstd);
      if (hasResidual) {
        Rows.add(residual + offset, c, g);
      }
      Rows.copy(g, c, dIn + offset);
    }

    /** g = rstd * (g - meanG - n * meanGn). */
    private void toInput(long g, long n, float meanG, float meanGn, float rstd) {
      for (int i = 0; i < c; i += Lanes.N) {
        FloatVector part = Ram.load(g + 4L * i).sub(meanG);
        part = Ram.load(n + 4L * i).fma(Lanes.broadcast(-meanGn), part).mul(rstd);
        Ram.store(part, g + 4L * i);
      }
    }
  }
}
