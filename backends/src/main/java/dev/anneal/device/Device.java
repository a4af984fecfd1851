package dev.anneal.device;

import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** One GPU, or the CPU: memory, and the compiler from plans to programs. */
public interface Device extends AutoCloseable {

  DeviceInfo info();

  /**
   * Allocates {@code bytes} of zeros for an arena, aligned for every dtype.
   *
   * @throws dev.anneal.failure.Failure when there is not so much memory
   */
  Memory allocate(Arena arena, long bytes);

  /** Makes {@code plan} ready to run on {@code memory}, one for each arena that the plan uses. */
  Program compile(Plan plan, Map<Arena, Memory> memory);

  /** Bytes of scratch that {@link #compile} will allocate beside the arenas for {@code plan}. */
  long workspaceBytes(Plan plan);

  /** Copies all of {@code from} to {@code to} at byte {@code offset}. */
  void copyIn(Memory to, long offset, MemorySegment from);

  /** Fills {@code to} with the bytes of {@code from} at byte {@code offset}. */
  void copyOut(Memory from, long offset, MemorySegment to);

  @Override
  void close();
}
