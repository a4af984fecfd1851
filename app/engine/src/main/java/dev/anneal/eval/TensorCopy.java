package dev.anneal.eval;

import dev.anneal.plan.Elements;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A plan's tensors on a device, read and written as floats whatever they are stored in. */
final class TensorCopy implements AutoCloseable {
  /** Elements at a time. */
  static final int CHUNK = 1 << 20;

  private final LockStep.Side side;
  private final Plan plan;
  private final Arena host = Arena.ofConfined();
  private final MemorySegment buffer = host.allocate(4L * CHUNK, 64);

  TensorCopy(LockStep.Side side, Plan plan) {
    this.side = side;
    this.plan = plan;
  }

  private long place(Tensor tensor, long from) {
    return plan.layout().offset(tensor) + from * tensor.dtype().bytes();
  }

  private static int count(Tensor tensor, long from) {
    return (int) Math.min(CHUNK, tensor.elements() - from);
  }

  /** The elements from {@code from} on, at most {@link #CHUNK}. */
  float[] read(Tensor tensor, long from) {
    float[] values = new float[count(tensor, from)];
    MemorySegment part = buffer.asSlice(0, (long) values.length * tensor.dtype().bytes());
    side.device().copyOut(side.of(tensor), place(tensor, from), part);
    for (int i = 0; i < values.length; i++) {
      // Token ids are small enough to be exact.
      values[i] = Elements.get(part, tensor.dtype(), i);
    }
    return values;
  }

  /** All elements, {@link #CHUNK} at a time. */
  List<float[]> all(Tensor tensor) {
    List<float[]> chunks = new ArrayList<>();
    for (long from = 0; from < tensor.elements(); from += CHUNK) {
      chunks.add(read(tensor, from));
    }
    return chunks;
  }

  void write(Tensor tensor, long from, float[] values) {
    MemorySegment part = buffer.asSlice(0, (long) values.length * tensor.dtype().bytes());
    for (int i = 0; i < values.length; i++) {
      Elements.set(part, tensor.dtype(), i, values[i]);
    }
    side.device().copyIn(side.of(tensor), place(tensor, from), part);
  }

  /** Makes every element NaN. */
  void spoil(Tensor tensor) {
    buffer.fill((byte) 0xff);
    for (long from = 0; from < tensor.elements(); from += CHUNK) {
      MemorySegment part = buffer.asSlice(0, (long) count(tensor, from) * tensor.dtype().bytes());
      side.device().copyIn(side.of(tensor), place(tensor, from), part);
    }
  }

  @Override
  public void close() {
    host.close();
  }
}
