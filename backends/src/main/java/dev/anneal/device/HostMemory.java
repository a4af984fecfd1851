package dev.anneal.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory of the host for copies that a device makes while the host does something else. */
public interface HostMemory extends AutoCloseable {

  MemorySegment segment();

  @Override
  void close();

  /** Memory like any other. */
  static HostMemory ordinary(long bytes) {
    Arena arena = Arena.ofShared();
    MemorySegment segment = arena.allocate(bytes, 64);
    return new HostMemory() {
      @Override
      public MemorySegment segment() {
        return segment;
      }

      @Override
      public void close() {
        arena.close();
      }
    };
  }
}
