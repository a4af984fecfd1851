package dev.anneal.cpu;

import dev.anneal.cpu.Kernel.Phase;
import dev.anneal.cpu.Kernel.Scratch;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * The products of a linear layer, with M = B*T rows: forward out = in weightᵀ + bias, backward dIn
 * = dOut weight and dWeight (+)= dOutᵀ in; and dBias (+)= the column sums of dOut.
 *
 * <p>Each reads its weight from memory once: 4 N K bytes, against 2 M N K operations. All three are
 * {@link Tile} products; they differ in what runs along the lanes, so that nothing large is ever
 * transposed:
 *
 * <ul>
 *   <li>forward: lanes along M. The activations, which are small, are packed transposed once, for
 *       all workers; the weight is broadcast from where it is. A finished block of outᵀ is
 *       transposed as it is stored.
 *   <li>backward to the input: lanes along K. A worker packs its own columns of the weight.
 *   <li>backward to the weight: lanes along K. The activations are packed once; each worker packs
 *       its rows of dOutᵀ, whose stride would otherwise put all of them into one set of the cache.
 * </ul>
 */
final class Matmul {
  /** Below this many rows the lanes along M would be empty: rows are dotted with the weight. */
  private static final int FEW_ROWS = 4;

  /** Rows of the weight, or of dWeight, per task. */
  private static final int BLOCK = 64;

  /** Enough tasks that a worker that is late costs little. */
  private static final int TASKS = 24;

  private Matmul() {}

  private static int rows(Tensor tensor) {
    return Math.toIntExact(tensor.shape().rows());
  }

  static Kernel forward(Op.MatmulForward op, Kernel.Addresses at) {
    long out = at.of(op.out());
    long in = at.of(op.in());
    long weight = at.of(op.weight());
    long bias = op.bias().map(at::of).orElse(0L);
    boolean hasBias = op.bias().isPresent();
    int m = rows(op.in());
    int n = op.weight().shape().dim(0);
    int k = op.weight().shape().dim(1);
    if (m < FEW_ROWS) {
      return fewRows(out, in, weight, bias, hasBias, m, n, k);
    }
    Forward pass =
        new Forward(out, in, weight, bias, hasBias, m, n, k, block(n, TASKS), k * Tile.WIDTH);
    return new Kernel(
        List.of(
            new Phase(Packing.panels(m) * Math.ceilDiv(k, Tile.DEPTH), pass::pack),
            new Phase(Math.ceilDiv(n, pass.block()), pass::multiply)),
        pass.scratch());
  }

  /**
   * The forward product of many rows.
   *
   * @param block rows of the weight per task
   * @param panelFloats floats of a panel of activations: K deep
   */
  private record Forward(
      long out,
      long in,
      long weight,
      long bias,
      boolean hasBias,
      int m,
      int n,
      int k,
      int block,
      int panelFloats) {

    private int columns() {
      return Packing.panels(m) * Tile.WIDTH;
    }

    Scratch scratch() {
      return new Scratch(
          block * 4L * columns(),
          0,
          block * Tile.DEPTH,
          Math.multiplyExact(Packing.panels(m), panelFloats));
    }

    void pack(int task, Kernel.Worker worker) {
      int panels = Packing.panels(m);
      int panel = task % panels;
      int from = task / panels * Tile.DEPTH;
      int row = panel * Tile.WIDTH;
      Packing.transposedPanels(
          in + 4L * ((long) row * k + from),
          4L * k,
          Math.min(Tile.WIDTH, m - row),
          Math.min(Tile.DEPTH, k - from),
          worker.sharedFloats(),
          panel * panelFloats + from * Tile.WIDTH,
          panelFloats);
    }

    void multiply(int task, Kernel.Worker worker) {
      int row = task * block;
      int count = Math.min(block, n - row);
      int columns = columns();
      long columnBytes = 4L * columns;
      long transposed = worker.threadScratch();
      for (int i = 0; i < count; i++) {
        float start = hasBias ? Ram.get(bias + 4L * (row + i)) : 0;
        fill(transposed + i * columnBytes, columns, start);
      }
      float[] weights = worker.threadFloats();
      for (int from = 0; from < k; from += Tile.DEPTH) {
        int depth = Math.min(Tile.DEPTH, k - from);
        Packing.rows(
            weight + 4L * ((long) row * k + from), 4L * k, count, depth, weights, 0, Tile.DEPTH);
        Tile.multiply(
            count,
            columns,
            depth,
            weights,
            0,
            Tile.DEPTH,
            1,
            worker.sharedFloats(),
            from * Tile.WIDTH,
            panelFloats,
            transposed,
            columnBytes,
            true,
            worker.tile());
      }
      storeTransposed(transposed, columnBytes, count, m, out + 4L * row, 4L * n);
    }
  }

  /**
   * Rows per task: as many as {@link #BLOCK}, fewer when there would be fewer than {@code tasks}.
   */
  private static int block(int n, int tasks) {
    int even = Math.ceilDiv(n, tasks);
    return Math.clamp(Math.ceilDiv(even, Tile.ROWS) * Tile.ROWS, Tile.ROWS, BLOCK);
  }

  private static void fill(long to, int n, float value) {
    FloatVector v = FloatVector.broadcast(Lanes.F, value);
    for (int i = 0; i < n; i += Lanes.N) {
      Ram.store(v, to + 4L * i);
    }
  }

  /** to (m, n) = from (n, m) transposed, in squares of 16 that stay in the first-level cache. */
  private static void storeTransposed(long from, long fromRow, int n, int m, long to, long toRow) {
    for (int i0 = 0; i0 < m; i0 += 16) {
      int iEnd = Math.min(m, i0 + 16);
      for (int j0 = 0; j0 < n; j0 += 16) {
        int jEnd = Math.min(n, j0 + 16);
        for (int i = i0; i < iEnd; i++) {
          long source = from + 4L * i + j0 * fromRow;
          long target = to + i * toRow + 4L * j0;
          for (int j = j0; j < jEnd; j++) {
            Ram.set(target, Ram.get(source));
            source += fromRow;
            target += 4;
          }
        }
      }
    }
  }

  /**
   * Decoding: each weight is used once per row, so its bytes are the limit, and rows are dotted.
   */
  private static Kernel fewRows(
      long out, long in, long weight, long bias, boolean hasBias, int m, int n, int k) {
    int block = BLOCK;
    return Kernel.of(
        Math.ceilDiv(n, block),
        (task, worker) -> {
          int end = Math.min(n, (task + 1) * block);
          for (int row = task * block; row < end; row++) {
            float start = hasBias ? Ram.get(bias + 4L * row) : 0;
            for (int i = 0; i < m; i++) {
              float dot =
                  Rows.dot(in + 4L * i * k, weight + 4L * row * k, k, worker.threadScratch());
              Ram.set(out + 4L * ((long) i * n + row), dot + start);
            }
          }
        });
  }

  static Kernel backwardInput(Op.MatmulBackwardInput op, Kernel.Addresses at) {
    long dIn = at.of(op.dIn());
    long dOut = at.of(op.dOut());
    long weight = at.of(op.weight());
    int m = rows(op.dOut());
    int n = op.weight().shape().dim(0);
    int k = op.weight().shape().dim(1);
    int width = 2 * Tile.WIDTH;
    int columnTasks = Math.ceilDiv(k, width);
    int rowTasks = Math.clamp(TASKS / columnTasks, 1, Math.ceilDiv(m, 4 * Tile.ROWS));
    int rowsPerTask = Math.ceilDiv(Math.ceilDiv(m, rowTasks), Tile.ROWS) * Tile.ROWS;
    int rowBlocks = Math.ceilDiv(m, rowsPerTask);
    ToInput pass = new ToInput(dIn, dOut, weight, m, n, k);
    Phase multiply =
        new Phase(
            columnTasks * rowBlocks,
            (task, worker) -> {
              int column = task / rowBlocks * width;
              int first = task % rowBlocks * rowsPerTask;
              int end = Math.min(m, first + rowsPerTask);
              pass.multiply(column, Math.min(width, k - column), first, end, worker);
            });
    return new Kernel(
        List.of(multiply), new Scratch(0, 0, 2 * ToInput.PANEL_FLOATS + Tile.ROWS * Tile.DEPTH, 0));
  }

  /** The backward product to the input. */
  private record ToInput(long dIn, long dOut, long weight, int m, int n, int k) {
    static final int PANEL_FLOATS = Tile.DEPTH * Tile.WIDTH;

    void multiply(int column, int columns, int firstRow, int endRow, Kernel.Worker worker) {
      float[] scratch = worker.threadFloats();
      for (int from = 0; from < n; from += Tile.DEPTH) {
        int depth = Math.min(Tile.DEPTH, n - from);
        long weights = weight + 4L * ((long) from * k + column);
        Packing.panels(weights, 4L * k, depth, columns, scratch, 0, PANEL_FLOATS);
        for (int row = firstRow; row < endRow; row += Tile.ROWS) {
          int rows = Math.min(Tile.ROWS, endRow - row);
          multiply(column, columns, row, rows, from, depth, worker);
        }
      }
    }

    /** Rows of a tile, by the columns of the weight that are packed. */
    private void multiply(
        int column, int columns, int row, int rows, int from, int depth, Kernel.Worker worker) {
      float[] scratch = worker.threadFloats();
      int packed = 2 * PANEL_FLOATS;
      long gradients = dOut + 4L * ((long) row * n + from);
      Packing.rows(gradients, 4L * n, rows, depth, scratch, packed, Tile.DEPTH);
      Tile.multiply(
          rows,
          columns,
          depth,
          scratch,
          packed,
          Tile.DEPTH,
          1,
          scratch,
          0,
          PANEL_FLOATS,
          dIn + 4L * ((long) row * k + column),
          4L * k,
          from > 0,
          worker.tile());
    }
  }

  static Kernel backwardWeight(Op.MatmulBackwardWeight op, Kernel.Addresses at) {
    int m = rows(op.dOut());
    int n = op.dWeight().shape().dim(0);
    int k = op.dWeight().shape().dim(1);
    ToWeight pass =
        new ToWeight(
            at.of(op.dWeight()),
            at.of(op.dOut()),
            at.of(op.in()),
            op.accumulate(),
            m,
            n,
            k,
            block(n, TASKS));
    return new Kernel(
        List.of(
            new Phase(Packing.panels(k) * Math.ceilDiv(m, Tile.DEPTH), pass::pack),
            new Phase(Math.ceilDiv(n, pass.block()), pass::multiply)),
        new Scratch(
            0,
            0,
            pass.block() * Tile.DEPTH,
            Math.multiplyExact(Packing.panels(k), pass.panelFloats())));
  }

  /**
   * The backward product to the weight.
   *
   * @param block rows of dWeight per task
   */
  private record ToWeight(
      long dWeight, long dOut, long in, boolean accumulate, int m, int n, int k, int block) {

    /** Of a panel of activations: M deep. */
    int panelFloats() {
      return m * Tile.WIDTH;
    }

    void pack(int task, Kernel.Worker worker) {
      int panels = Packing.panels(k);
      int panel = task % panels;
      int from = task / panels * Tile.DEPTH;
      int column = panel * Tile.WIDTH;
      Packing.panels(
          in + 4L * ((long) from * k + column),
          4L * k,
          Math.min(Tile.DEPTH, m - from),
          Math.min(Tile.WIDTH, k - column),
          worker.sharedFloats(),
          panel * panelFloats() + from * Tile.WIDTH,
          panelFloats());
    }

    void multiply(int task, Kernel.Worker worker) {
      int row = task * block;
      int count = Math.min(block, n - row);
      float[] gradients = worker.threadFloats();
      for (int from = 0; from < m; from += Tile.DEPTH) {
        int depth = Math.min(Tile.DEPTH, m - from);
        Packing.rows(
            dOut + 4L * ((long) from * n + row), 4L * n, depth, count, gradients, 0, block);
        Tile.multiply(
            count,
            k,
            depth,
            gradients,
            0,
            1,
            block,
            worker.sharedFloats(),
            from * Tile.WIDTH,
            panelFloats(),
            dWeight + 4L * row * k,
            4L * k,
            accumulate || from > 0,
            worker.tile());
      }
    }
  }

  static Kernel bias(Op.BiasBackward op, Kernel.Addresses at) {
    long dBias = at.of(op.dBias());
    long dOut = at.of(op.dOut());
    int m = rows(op.dOut());
    int n = op.dBias().shape().dim(0);
    int width = 4 * Rows.LANES;
    return Kernel.of(
        Math.ceilDiv(n, width),
        (task, worker) -> {
          int end = Math.min(n, (task + 1) * width);
          for (int j = task * width; j < end; j += Lanes.N) {
            VectorMask<Float> mask = Lanes.in(j, end);
            FloatVector sum =
                op.accumulate() ? Ram.load(dBias + 4L * j, mask) : FloatVector.zero(Lanes.F);
            long source = dOut + 4L * j;
            for (int i = 0; i < m; i++) {
              sum = Ram.load(source, mask).add(sum);
              source += 4L * n;
            }
            Ram.store(sum, dBias + 4L * j, mask);
          }
        });
  }
}
