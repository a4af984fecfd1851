package dev.anneal.cpu;

import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Causal self-attention, one head of one sequence per task. Queries are taken {@value #QUERIES} at
 * a time: their scores against all keys before them, at most 4 * 64 * T bytes, stay in the
 * second-level cache, so that the (T,T) matrix never exists. All products are {@link Tile}s of keys
 * and values that are packed once per head.
 *
 * <p>Backward computes the probabilities again from logSumExp, as in Dao, "FlashAttention-2", 2023:
 * with P = exp(scale q kᵀ - lse) and delta = rowsum(dOut * out), dV = Pᵀ dOut, dS = scale P (dOut
 * vᵀ - delta), dQ = dS k, dK = dSᵀ q.
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

    /** Floats of a panel of keys or values transposed: HS deep. */
    int keysPanel() {
      return headSize() * Tile.WIDTH;
    }

    /** Floats of a panel of values or keys: T deep. */
    int valuesPanel() {
      return t * Tile.WIDTH;
    }

    /** Floats from one query's scores to the next one's: whole panels. */
    int scoreRow() {
      return Math.ceilDiv(t, Tile.WIDTH) * Tile.WIDTH;
    }
  }

  static Kernel forward(Op.AttentionForward op, Kernel.Addresses at) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    Forward pass = new Forward(s, at.of(op.qkv()), at.of(op.out()), at.of(op.logSumExp()));
    return new Kernel(List.of(new Kernel.Phase(s.batch() * s.heads(), pass)), pass.scratch());
  }

  /** One head's forward pass. */
  private record Forward(Sizes s, long qkv, long out, long lse) implements Kernel.Task {

    /** Where things are in a worker's arrays, after the keys. */
    private int values() {
      return Packing.panels(s.t()) * s.keysPanel();
    }

    private int queries() {
      return values() + Packing.panels(s.headSize()) * s.valuesPanel();
    }

    private int probabilities() {
      return queries() + QUERIES * s.headSize();
    }

    Kernel.Scratch scratch() {
      return new Kernel.Scratch(
          64 + QUERIES * 4L * s.scoreRow(), 0, probabilities() + QUERIES * s.scoreRow(), 0);
    }

    @Override
    public void run(int index, Kernel.Worker worker) {
      int b = index / s.heads();
      int head = index % s.heads();
      int hs = s.headSize();
      float[] f = worker.threadFloats();
      long q = s.query(qkv, b, head);
      long k = q + 4L * s.c();
      long v = k + 4L * s.c();
      Packing.transposedPanels(k, s.qkvRow(), s.t(), hs, f, 0, s.keysPanel());
      Packing.panels(v, s.qkvRow(), s.t(), hs, f, values(), s.valuesPanel());
      for (int first = 0; first < s.t(); first += QUERIES) {
        int count = Math.min(QUERIES, s.t() - first);
        Packing.rows(q + first * s.qkvRow(), s.qkvRow(), count, hs, f, queries(), hs);
        attend(b, head, first, count, worker);
      }
    }

    /** The output of {@code count} queries, which are packed. */
    private void attend(int b, int head, int first, int count, Kernel.Worker worker) {
      int hs = s.headSize();
      int reach = first + count;
      float[] f = worker.threadFloats();
      float[] tile = worker.tile();
      int row = s.scoreRow();
      long scoreRow = 4L * row;
      long lanes = worker.threadScratch();
      long p = lanes + 64;
      Tile.multiply(
          count, reach, hs, f, queries(), hs, 1, f, 0, s.keysPanel(), p, scoreRow, false, tile);
      for (int i = 0; i < count; i++) {
        float logSumExp = softmax(p + i * scoreRow, first + i + 1, reach, s.scale(), lanes);
        Ram.set(lse + 4L * (((long) b * s.heads() + head) * s.t() + first + i), logSumExp);
      }
      Packing.rows(p, scoreRow, count, reach, f, probabilities(), row);
      long to = s.out(out, b, head) + first * s.outRow();
      int from = probabilities();
      int panel = s.valuesPanel();
      Tile.multiply(
          count, hs, reach, f, from, row, 1, f, values(), panel, to, s.outRow(), false, tile);
    }
  }

  /** Turns {@code seen} scores into probabilities, clears those up to {@code reach}. */
  private static float softmax(long row, int seen, int reach, float scale, long lanes) {
    float max = Rows.max(row, seen, lanes) * scale;
    float sum = Rows.exp(row, row, seen, scale, max, lanes);
    Rows.scale(row, seen, 1 / sum);
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
    return new Kernel(List.of(new Kernel.Phase(s.batch() * s.heads(), pass)), pass.scratch());
  }

  /** One head's backward pass. */
  private record Backward(Sizes s, long dQkv, long delta, long dOut, long qkv, long out, long lse)
      implements Kernel.Task {

    /** Where things are in a worker's arrays. */
    private int valuesT() {
      return Packing.panels(s.t()) * s.keysPanel();
    }

    private int keys() {
      return 2 * valuesT();
    }

    private int queries() {
      return keys() + Packing.panels(s.headSize()) * s.valuesPanel();
    }

    private int queryPanels() {
      return queries() + QUERIES * s.headSize();
    }

    private int scores() {
      return queryPanels() + Packing.panels(s.headSize()) * QUERIES * Tile.WIDTH;
    }

    Kernel.Scratch scratch() {
      return new Kernel.Scratch(
          64 + 8L * QUERIES * s.scoreRow(), 0, scores() + QUERIES * s.scoreRow(), 0);
    }

    @Override
    public void run(int index, Kernel.Worker worker) {
      int b = index / s.heads();
      int head = index % s.heads();
      int hs = s.headSize();
      float[] f = worker.threadFloats();
      float[] tile = worker.tile();
      long scoreRow = 4L * s.scoreRow();
      long p = worker.threadScratch() + 64;
      long dS = p + QUERIES * scoreRow;
      long q = s.query(qkv, b, head);
      long k = q + 4L * s.c();
      long v = k + 4L * s.c();
      long dQ = s.query(dQkv, b, head);
      long dK = dQ + 4L * s.c();
      long dV = dK + 4L * s.c();
      Packing.transposedPanels(k, s.qkvRow(), s.t(), hs, f, 0, s.keysPanel());
      Packing.transposedPanels(v, s.qkvRow(), s.t(), hs, f, valuesT(), s.keysPanel());
      Packing.panels(k, s.qkvRow(), s.t(), hs, f, keys(), s.valuesPanel());
      clear(dK, hs);
      clear(dV, hs);
      for (int first = 0; first < s.t(); first += QUERIES) {
        int count = Math.min(QUERIES, s.t() - first);
        int reach = first + count;
        long qFirst = q + first * s.qkvRow();
        long dOutFirst = s.out(dOut, b, head) + first * s.outRow();
        scores(qFirst, s.qkvRow(), count, reach, 0, p, worker);
        scores(dOutFirst, s.outRow(), count, reach, valuesT(), dS, worker);
        scoresBackward(b, head, first, count, worker);
        add(p, dOutFirst, s.outRow(), count, reach, dV, worker);
        add(dS, qFirst, s.qkvRow(), count, reach, dK, worker);
        // The scores' gradients lie where the keys' needed them.
        int row = s.scoreRow();
        long to = dQ + first * s.qkvRow();
        int panel = s.valuesPanel();
        Tile.multiply(
            count, hs, reach, f, scores(), row, 1, f, keys(), panel, to, s.qkvRow(), false, tile);
      }
    }

    /** to = {@code count} rows of a head times what is packed at {@code panels}, transposed. */
    private void scores(
        long rows, long stride, int count, int reach, int panels, long to, Kernel.Worker worker) {
      int hs = s.headSize();
      float[] f = worker.threadFloats();
      Packing.rows(rows, stride, count, hs, f, queries(), hs);
      int panel = s.keysPanel();
      long row = 4L * s.scoreRow();
      Tile.multiply(
          count, reach, hs, f, queries(), hs, 1, f, panels, panel, to, row, false, worker.tile());
    }

    /** Probabilities of scores, and scores' gradients of probabilities'. */
    private void scoresBackward(int b, int head, int first, int count, Kernel.Worker worker) {
      long lanes = worker.threadScratch();
      long scoreRow = 4L * s.scoreRow();
      long p = lanes + 64;
      long dS = p + QUERIES * scoreRow;
      for (int i = 0; i < count; i++) {
        int t = first + i;
        long at = 4L * (((long) b * s.heads() + head) * s.t() + t);
        long outRow = s.out(out, b, head) + t * s.outRow();
        long dOutRow = s.out(dOut, b, head) + t * s.outRow();
        float d = Rows.dot(dOutRow, outRow, s.headSize(), lanes);
        Ram.set(delta + at, d);
        scoresBackward(
            p + i * scoreRow, dS + i * scoreRow, t + 1, first + count, Ram.get(lse + at), d);
      }
    }

    /** to += scores, (count,reach), transposed times {@code count} rows of a head. */
    private void add(
        long scores, long rows, long stride, int count, int reach, long to, Kernel.Worker worker) {
      int hs = s.headSize();
      float[] f = worker.threadFloats();
      int row = s.scoreRow();
      int panel = QUERIES * Tile.WIDTH;
      Packing.rows(scores, 4L * row, count, reach, f, scores(), row);
      Packing.panels(rows, stride, count, hs, f, queryPanels(), panel);
      Tile.multiply(
          reach,
          hs,
          count,
          f,
          scores(),
          1,
          row,
          f,
          queryPanels(),
          panel,
          to,
          s.qkvRow(),
          true,
          worker.tile());
    }

    private void clear(long at, int hs) {
      for (int t = 0; t < s.t(); t++) {
        Ram.ALL.asSlice(at + t * s.qkvRow(), 4L * hs).fill((byte) 0);
      }
    }

    /** Scores to probabilities, and dP to dS; both are cleared from {@code seen} to the reach. */
    private void scoresBackward(
        long p, long dS, int seen, int reach, float logSumExp, float delta) {
      FloatVector minusLse = Lanes.broadcast(-logSumExp);
      FloatVector scale = Lanes.broadcast(s.scale());
      for (int i = 0; i < seen; i += Lanes.N) {
        VectorMask<Float> mask = Lanes.in(i, seen);
        long offset = 4L * i;
        FloatVector probability = VectorMath.exp(Ram.load(p + offset, mask).fma(scale, minusLse));
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
            Rows.copy(q + 4L * s.c(), hs, keys + row);
            Rows.copy(q + 8L * s.c(), hs, values + row);
            int seen = start + t + 1;
            for (int i = 0; i < seen; i++) {
              Ram.set(scores + 4L * i, Rows.dot(q, keys + i * s.outRow(), hs, lanes));
            }
            softmax(scores, seen, seen, s.scale(), lanes);
            weightedSum(scores, values, s.outRow(), seen, s.out(out, b, head) + t * s.outRow(), hs);
          }
        };
    return new Kernel(
        List.of(new Kernel.Phase(s.batch() * s.heads(), task)),
        new Kernel.Scratch(64 + 4L * length, 0, 0, 0));
  }

  /** out = the sum over rows of weight * row, in order of rows. */
  private static void weightedSum(
      long weights, long rows, long stride, int count, long out, int n) {
    for (int i = 0; i < n; i += Lanes.N) {
      VectorMask<Float> mask = Lanes.in(i, n);
      FloatVector sum = FloatVector.zero(Lanes.F);
      for (int r = 0; r < count; r++) {
        FloatVector weight = Lanes.broadcast(Ram.get(weights + 4L * r));
        sum = Ram.load(rows + r * stride + 4L * i, mask).fma(weight, sum);
      }
      Ram.store(sum, out + 4L * i, mask);
    }
  }
}
