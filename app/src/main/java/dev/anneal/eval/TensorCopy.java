package dev.anneal.eval;

import dev.anneal.plan.Bfloat16;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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
      values[i] =
          switch (tensor.dtype()) {
            case F32 -> part.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            case BF16 -> Bfloat16.toFloat(part.getAtIndex(ValueLayout.JAVA_SHORT, i));
            case F16 -> Float.float16ToFloat(part.getAtIndex(ValueLayout.JAVA_SHORT, i));
            // Token ids are small enough to be exact.
            case I32 -> part.getAtIndex(ValueLayout.JAVA_INT, i);
          };
    }
    return values;
  }

  void write(Tensor tensor, long from, float[] values) {
    MemorySegment part = buffer.asSlice(0, (long) values.length * tensor.dtype().bytes());
    for (int i = 0; i < values.length; i++) {
      switch (tensor.dtype()) {
        case F32 -> part.setAtIndex(ValueLayout.JAVA_FLOAT, i, values[i]);
        case BF16 -> part.setAtIndex(ValueLayout.JAVA_SHORT, i, Bfloat16.of(values[i]));
        case F16 -> part.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(values[i]));
        case I32 -> part.setAtIndex(ValueLayout.JAVA_INT, i, (int) values[i]);
      }
    }
    side.device().copyIn(side.of(tensor), place(tensor, from), part);
  }

  /** Makes every element NaN. */
  void spoil(Tensor tensor) {
    buffer.fill((byte) 0xff);
    for (long from = 0; from < tensor.elements(); from += CHUNK) {
      MemorySegment part =
          buffer.asSlice(0, (long) count(tensor, from) * tensor.dtype().bytes());
      side.device().copyIn(side.of(tensor), place(tensor, from), part);
    }
  }

  @Override
  public void close() {
    host.close();
  }
}
