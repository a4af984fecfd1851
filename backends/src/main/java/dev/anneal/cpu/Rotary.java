package dev.anneal.cpu;

import dev.anneal.plan.Op;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Rotary positions of queries and keys, and keys and values for each query's head. Forward reads
 * (NH + 2 NKV) HS numbers per token and writes 3 NH HS; backward reads what forward writes and the
 * other way round, and adds the heads of a group in their order. The table's row of a position
 * stays in the first-level cache for all its heads.
 */
final class Rotary {
  private static final int ROWS = 8;

  private final long grouped;
  private final long whole;
  private final long table;
  private final int heads;
  private final int kvHeads;
  private final int group;
  private final int half;

  private Rotary(Op.Grouped op, long grouped, long whole, long table) {
    this.grouped = grouped;
    this.whole = whole;
    this.table = table;
    this.heads = op.heads();
    this.kvHeads = op.kvHeads();
    this.group = op.group();
    this.half = op.headSize() / 2;
  }

  /** What is done with one row at one position. */
  private interface Row {
    void run(long row, long position);
  }

  private static Kernel kernel(int rows, int t, boolean hasStart, long startAt, Row each) {
    return Kernel.of(
        Math.ceilDiv(rows, ROWS),
        (task, worker) -> {
          int start = hasStart ? Ram.getInt(startAt) : 0;
          int end = Math.min(rows, (task + 1) * ROWS);
          for (int row = task * ROWS; row < end; row++) {
            each.run(row, start + row % t);
          }
        });
  }

  static Kernel forward(Op.RotaryForward op, Kernel.Addresses at) {
    Rotary rotary = new Rotary(op, at.of(op.in()), at.of(op.out()), at.of(op.table()));
    return kernel(
        Math.toIntExact(op.in().shape().rows()),
        op.in().shape().dim(1),
        op.start().isPresent(),
        op.start().map(at::of).orElse(0L),
        rotary::forward);
  }

  static Kernel backward(Op.RotaryBackward op, Kernel.Addresses at) {
    Rotary rotary = new Rotary(op, at.of(op.dIn()), at.of(op.dOut()), at.of(op.table()));
    return kernel(
        Math.toIntExact(op.dIn().shape().rows()),
        op.dIn().shape().dim(1),
        false,
        0,
        rotary::backward);
  }

  private long groupedHead(long row, int head) {
    return grouped + 8L * half * (row * (heads + 2L * kvHeads) + head);
  }

  private long wholeHead(long row, int head) {
    return whole + 8L * half * (row * 3 * heads + head);
  }

  private void forward(long row, long position) {
    long angles = table + 8L * half * position;
    for (int h = 0; h < heads; h++) {
      rotate(groupedHead(row, h), angles, wholeHead(row, h));
    }
    for (int h = 0; h < heads; h++) {
      rotate(groupedHead(row, heads + h / group), angles, wholeHead(row, heads + h));
    }
    for (int h = 0; h < heads; h++) {
      long from = groupedHead(row, heads + kvHeads + h / group);
      long to = wholeHead(row, 2 * heads + h);
      for (int i = 0; i < 2 * half; i += Lanes.N) {
        VectorMask<Float> mask = Lanes.in(i, 2 * half);
        Ram.store(Ram.load(from + 4L * i, mask), to + 4L * i, mask);
      }
    }
  }

  private void rotate(long from, long angles, long to) {
    for (int i = 0; i < half; i += Lanes.N) {
      VectorMask<Float> mask = Lanes.in(i, half);
      long o = 4L * i;
      FloatVector cos = Ram.load(angles + o, mask);
      FloatVector sin = Ram.load(angles + 4L * half + o, mask);
      FloatVector x1 = Ram.load(from + o, mask);
      FloatVector x2 = Ram.load(from + 4L * half + o, mask);
      Ram.store(x1.mul(cos).sub(x2.mul(sin)), to + o, mask);
      Ram.store(x2.mul(cos).add(x1.mul(sin)), to + 4L * half + o, mask);
    }
  }

  private void backward(long row, long position) {
    long angles = table + 8L * half * position;
    for (int h = 0; h < heads; h++) {
      rotateBack(wholeHead(row, h), 1, angles, groupedHead(row, h));
    }
    for (int kv = 0; kv < kvHeads; kv++) {
      rotateBack(wholeHead(row, heads + kv * group), group, angles, groupedHead(row, heads + kv));
    }
    for (int kv = 0; kv < kvHeads; kv++) {
      long from = wholeHead(row, 2 * heads + kv * group);
      long to = groupedHead(row, heads + kvHeads + kv);
      for (int i = 0; i < 2 * half; i += Lanes.N) {
        VectorMask<Float> mask = Lanes.in(i, 2 * half);
        Ram.store(sum(from + 4L * i, group, mask), to + 4L * i, mask);
      }
    }
  }

  /** Of the same channels of {@code count} heads in a row. */
  private FloatVector sum(long from, int count, VectorMask<Float> mask) {
    FloatVector sum = Ram.load(from, mask);
    for (int h = 1; h < count; h++) {
      sum = sum.add(Ram.load(from + 8L * half * h, mask));
    }
    return sum;
  }

  private void rotateBack(long from, int count, long angles, long to) {
    for (int i = 0; i < half; i += Lanes.N) {
      VectorMask<Float> mask = Lanes.in(i, half);
      long o = 4L * i;
      FloatVector cos = Ram.load(angles + o, mask);
      FloatVector sin = Ram.load(angles + 4L * half + o, mask);
      FloatVector d1 = sum(from + o, count, mask);
      FloatVector d2 = sum(from + 4L * half + o, count, mask);
      Ram.store(d1.mul(cos).add(d2.mul(sin)), to + o, mask);
      Ram.store(d2.mul(cos).sub(d1.mul(sin)), to + 4L * half + o, mask);
    }
  }
}
