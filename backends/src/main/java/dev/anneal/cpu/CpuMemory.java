package dev.anneal.cpu;

import dev.anneal.device.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** An arena in host memory, outside the Java heap. */
final class CpuMemory implements Memory {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;

  CpuMemory(long bytes) {
    this.segment = HugePages.allocate(arena, bytes);
  }

  MemorySegment segment() {
    return segment;
  }

  @Override
  public long bytes() {
    return segment.byteSize();
  }

  @Override
  public void close() {
    arena.close();
  }
}
