package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.device.HostMemory;
import dev.anneal.device.Mark;
import dev.anneal.device.Memory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Numbers that a device writes to the host, which reads them when it has waited for all of them.
 */
final class Readings implements AutoCloseable {
  private final Device device;
  private final HostMemory numbers;
  private final Mark written;

  /**
   * @throws dev.anneal.failure.Failure when there is no room
   */
  Readings(Device device, int count) {
    this.device = device;
    this.numbers = device.allocateHost((long) Float.BYTES * count);
    try {
      this.written = device.mark();
    } catch (RuntimeException e) {
      numbers.close();
      throw e;
    }
  }

  /** Has the device write the number at byte {@code place}, after all that was enqueued. */
  void enqueue(Memory memory, long place, int index) {
    MemorySegment to = numbers.segment().asSlice((long) Float.BYTES * index, Float.BYTES);
    device.enqueueCopyOut(memory, place, to);
  }

  /** There are no more to come. */
  void areEnqueued() {
    written.set();
  }

  /** Waits for those that are enqueued. */
  void await(String doing) {
    written.await(doing);
  }

  double get(int index) {
    return numbers.segment().getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  /** The mean of the first ones. */
  double mean(int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += get(i);
    }
    return sum / count;
  }

  @Override
  public void close() {
    written.close();
    numbers.close();
  }
}
