package dev.anneal.cpu;

import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Causal self-attention, one head of one sequence per task. Queries are taken {@value #QUERIES} at a
 * time: their scores against all keys before them, at most 4 * 64 * T bytes, stay in the
 * second-level cache, so that the (T,T) matrix never exists. All products are {@link Tile}s of keys
 * and values that are packed once per head.
 *
 * <p>Backward computes the probabilities again from logSumExp, as in Dao, "FlashAttention-2", 2023:
 * with P = exp(scale q kᵀ - lse) and delta = rowsum(dOut * out), dV = Pᵀ dOut, dS = scale P (dOut vᵀ -
 * delta), dQ = dS k, dK = dSᵀ q.
 */
final class Attention {
  private static final int QUERIES = 64;

  private Attention() {}

  /** The sizes of one attention layer, and where the parts of (B,T,3C) are. */
  private record Sizes(int batch, int t, int c, int heads) {
    static Sizes of(Shape out, int heads) {
      return new Sizes(out.dim(0), out.dim(1), out.dim(2), heads);
    }

    int headSize() {
      return c / heads;
    }

    float scale() {
      return (float) (1 / Math.sqrt(headSize()));
    }

    /** Bytes from one token's qkv to the next one's. */
    long qkvRow() {
      return 12L * c;
    }

    long outRow() {
      return 4L * c;
    }

    long query(long qkv, int b, int head) {
      return qkv + b * (long) t * qkvRow() + 4L * head * headSize();
    }

    long out(long out, int b, int head) {
      return out + b * (long) t * outRow() + 4L * head * headSize();
    }

    /** Floats from one query's scores to the next one's: whole panels. */
    int scoreRow() {
      return Math.ceilDiv(t, Tile.WIDTH) * Tile.WIDTH;
    }
  }

  static Kernel forward(Op.AttentionForward op, Kernel.Addresses at) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    long qkv = at.of(op.qkv());
    long out = at.of(op.out());
    long lse = at.of(op.logSumExp());
    int hs = s.headSize();
    long keysBytes = Tile.packedBytes(s.t(), hs);
    long valuesBytes = Tile.packedBytes(hs, s.t());
    long scoresBytes = 4L * QUERIES * s.scoreRow();
    long scratch = 64 + keysBytes + valuesBytes + scoresBytes + Tile.SPILL_BYTES;
    Kernel.Task task =
        (index, worker) -> {
          int b = index / s.heads();
          int head = index % s.heads();
          long lanes = worker.threadScratch();
          long keys = lanes + 64;
          long values = keys + keysBytes;
          long scores = values + valuesBytes;
          long spill = scores + scoresBytes;
          long q = s.query(qkv, b, head);
          long k = q + 4L * s.c();
          long v = k + 4L * s.c();
          Tile.packTransposed(k, s.qkvRow(), s.t(), hs, keys);
          Tile.pack(v, s.qkvRow(), s.t(), hs, values);
          long scoreRow = 4L * s.scoreRow();
          for (int first = 0; first < s.t(); first += QUERIES) {
            int count = Math.min(QUERIES, s.t() - first);
            int reach = first + count;
            int columns = Math.ceilDiv(reach, Tile.WIDTH) * Tile.WIDTH;
            Tile.multiply(
                count, columns, hs, q + first * s.qkvRow(), s.qkvRow(), 4, keys, scores, scoreRow,
                false, spill);
            for (int i = 0; i < count; i++) {
              long row = scores + i * scoreRow;
              int seen = first + i + 1;
              float logSumExp = softmax(row, seen, reach, s.scale(), lanes);
              Ram.set(lse + 4L * (((long) b * s.heads() + head) * s.t() + first + i), logSumExp);
            }
            multiplyValues(count, reach, s, scores, values, s.out(out, b, head) + first * s.outRow(), spill);
          }
        };
    return new Kernel(
        List.of(new Kernel.Phase(s.batch() * s.heads(), task)), scratch, 0);
  }

  /** out (count, HS) = probabilities (count, reach) values. */
  private static void multiplyValues(
      int count, int reach, Sizes s, long scores, long values, long out, long spill) {
    for (int j = 0; j < s.headSize(); j += Tile.WIDTH) {
      Tile.panel(
          count,
          Math.min(Tile.WIDTH, s.headSize() - j),
          reach,
          scores,
          4L * s.scoreRow(),
          4,
          values + (long) (j / Tile.WIDTH) * Tile.WIDTH_BYTES * s.t(),
          out + 4L * j,
          s.outRow(),
          false,
          spill);
    }
  }

  /** Turns {@code seen} scores into probabilities, clears those up to {@code reach}. */
  private static float softmax(long row, int seen, int reach, float scale, long lanes) {
    float max = Rows.max(row, seen, lanes) * scale;
    float sum = Rows.exp(row, row, seen, scale, max, lanes);
    float inverse = 1 / sum;
    for (int i = 0; i < seen; i += Lanes.N) {
      VectorMask<Float> mask = Rows.in(i, seen);
      Ram.store(Ram.load(row + 4L * i, mask).mul(inverse), row + 4L * i, mask);
    }
    for (int i = seen; i < reach; i++) {
      Ram.set(row + 4L * i, 0);
    }
    return max + VectorMath.log(sum);
  }

  static Kernel backward(Op.AttentionBackward op, Kernel.Addresses at) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    Backward pass =
        new Backward(
            s,
            at.of(op.dQkv()),
            at.of(op.delta()),
            at.of(op.dOut()),
            at.of(op.qkv()),
            at.of(op.out()),
            at.of(op.logSumExp()));
    return new Kernel(
        List.of(new Kernel.Phase(s.batch() * s.heads(), pass)), pass.scratch(), 0);
  }

  /** One head's backward pass. */
  private record Backward(
      Sizes s, long dQkv, long delta, long dOut, long qkv, long out, long lse)
      implements Kernel.Task {

    private long transposedBytes() {
      return Tile.packedBytes(s.t(), s.headSize());
    }

    private long keyBytes() {
      return Tile.packedBytes(s.headSize(), s.t());
    }

    private long queryBytes() {
      return Tile.packedBytes(s.headSize(), QUERIES);
    }

    private long scoresBytes() {
      return 4L * QUERIES * s.scoreRow();
    }

    long scratch() {
      return 64
          + 2 * transposedBytes()
          + keyBytes()
          + queryBytes()
          + 2 * scoresBytes()
          + Tile.SPILL_BYTES;
    }

    @Override
    public void run(int index, Kernel.Worker worker) {
      int b = index / s.heads();
      int head = index % s.heads();
      int hs = s.headSize();
      long lanes = worker.threadScratch();
      long keysT = lanes + 64;
      long valuesT = keysT + transposedBytes();
      long keys = valuesT + transposedBytes();
      long queries = keys + keyBytes();
      long p = queries + queryBytes();
      long dS = p + scoresBytes();
      long spill = dS + scoresBytes();
      long q = s.query(qkv, b, head);
      long k = q + 4L * s.c();
      long v = k + 4L * s.c();
      long dQ = s.query(dQkv, b, head);
      long dK = dQ + 4L * s.c();
      long dV = dK + 4L * s.c();
      Tile.packTransposed(k, s.qkvRow(), s.t(), hs, keysT);
      Tile.packTransposed(v, s.qkvRow(), s.t(), hs, valuesT);
      Tile.pack(k, s.qkvRow(), s.t(), hs, keys);
      clear(dK, hs);
      clear(dV, hs);
      long scoreRow = 4L * s.scoreRow();
      for (int first = 0; first < s.t(); first += QUERIES) {
        int count = Math.min(QUERIES, s.t() - first);
        int reach = first + count;
        int columns = Math.ceilDiv(reach, Tile.WIDTH) * Tile.WIDTH;
        long qFirst = q + first * s.qkvRow();
        long dOutFirst = s.out(dOut, b, head) + first * s.outRow();
        Tile.multiply(
            count, columns, hs, qFirst, s.qkvRow(), 4, keysT, p, scoreRow, false, spill);
        Tile.multiply(
            count, columns, hs, dOutFirst, s.outRow(), 4, valuesT, dS, scoreRow, false, spill);
        for (int i = 0; i < count; i++) {
          int t = first + i;
          long at = 4L * (((long) b * s.heads() + head) * s.t() + t);
          long outRow = s.out(out, b, head) + t * s.outRow();
          float d = Rows.dot(dOutFirst + i * s.outRow(), outRow, hs, lanes);
          Ram.set(delta + at, d);
          scoresBackward(
              p + i * scoreRow, dS + i * scoreRow, t + 1, reach, Ram.get(lse + at), d);
        }
        for (int j = 0; j < hs; j += Tile.WIDTH) {
          Tile.panel(
              count, Math.min(Tile.WIDTH, hs - j), reach, dS, scoreRow, 4,
              keys + (long) (j / Tile.WIDTH) * Tile.WIDTH_BYTES * s.t(),
              dQ + first * s.qkvRow() + 4L * j, s.qkvRow(), false, spill);
        }
        Tile.pack(dOutFirst, s.outRow(), count, hs, queries);
        Tile.multiply(reach, hs, count, p, 4, scoreRow, queries, dV, s.qkvRow(), true, spill);
        Tile.pack(qFirst, s.qkvRow(), count, hs, queries);
        Tile.multiply(reach, hs, count, dS, 4, scoreRow, queries, dK, s.qkvRow(), true, spill);
      }
    }

    private void clear(long at, int hs) {
      for (int t = 0; t < s.t(); t++) {
        Ram.ALL.asSlice(at + t * s.qkvRow(), 4L * hs).fill((byte) 0);
      }
    }

    /** Scores to probabilities, and dP to dS; both are cleared from {@code seen} to the reach. */
    private void scoresBackward(
        long p, long dS, int seen, int reach, float logSumExp, float delta) {
      FloatVector minusLse = Rows.broadcast(-logSumExp);
      FloatVector scale = Rows.broadcast(s.scale());
      for (int i = 0; i < seen; i += Lanes.N) {
        VectorMask<Float> mask = Rows.in(i, seen);
        long offset = 4L * i;
        FloatVector probability =
            VectorMath.exp(Ram.load(p + offset, mask).fma(scale, minusLse));
        FloatVector d = Ram.load(dS + offset, mask).sub(delta).mul(scale);
        Ram.store(probability, p + offset, mask);
        Ram.store(probability.mul(d), dS + offset, mask);
      }
      for (int i = seen; i < reach; i++) {
        Ram.set(p + 4L * i, 0);
        Ram.set(dS + 4L * i, 0);
      }
    }
  }

  static Kernel cached(Op.CachedAttention op, Kernel.Addresses at) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    long qkv = at.of(op.qkv());
    long out = at.of(op.out());
    long keyCache = at.of(op.keyCache());
    long valueCache = at.of(op.valueCache());
    long position = at.of(op.position());
    int length = op.keyCache().shape().dim(1);
    int hs = s.headSize();
    Kernel.Task task =
        (index, worker) -> {
          int b = index / s.heads();
          int head = index % s.heads();
          long lanes = worker.threadScratch();
          long scores = lanes + 64;
          int start = Ram.getInt(position);
          long cacheOffset = 4L * ((long) b * length * s.c() + (long) head * hs);
          long keys = keyCache + cacheOffset;
          long values = valueCache + cacheOffset;
          for (int t = 0; t < s.t(); t++) {
            long q = s.query(qkv, b, head) + t * s.qkvRow();
            long row = (start + t) * s.outRow();
            copy(q + 4L * s.c(), keys + row, hs);
            copy(q + 8L * s.c(), values + row, hs);
            int seen = start + t + 1;
            for (int i = 0; i < seen; i++) {
              Ram.set(scores + 4L * i, Rows.dot(q, keys + i * s.outRow(), hs, lanes));
            }
            softmax(scores, seen, seen, s.scale(), lanes);
            weightedSum(
                scores, values, s.outRow(), seen, s.out(out, b, head) + t * s.outRow(), hs);
          }
        };
    return new Kernel(
        List.of(new Kernel.Phase(s.batch() * s.heads(), task)), 64 + 4L * length, 0);
  }

  private static void copy(long from, long to, int n) {
    for (int i = 0; i < n; i += Lanes.N) {
      VectorMask<Float> mask = Rows.in(i, n);
      Ram.store(Ram.load(from + 4L * i, mask), to + 4L * i, mask);
    }
  }

  /** out = the sum over rows of weight * row, in order of rows. */
  private static void weightedSum(
      long weights, long rows, long stride, int count, long out, int n) {
    for (int i = 0; i < n; i += Lanes.N) {
      VectorMask<Float> mask = Rows.in(i, n);
      FloatVector sum = FloatVector.zero(Lanes.F);
      for (int r = 0; r < count; r++) {
        FloatVector weight = Rows.broadcast(Ram.get(weights + 4L * r));
        sum = Ram.load(rows + r * stride + 4L * i, mask).fma(weight, sum);
      }
      Ram.store(sum, out + 4L * i, mask);
    }
  }
}
