package dev.anneal.gpu;

import dev.anneal.failure.Failure;
import dev.anneal.launch.Command;
import dev.anneal.launch.Hardware;
import dev.anneal.plan.Precision;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * A GPU that is not here, to plan for: what it is like is known, but it has no memory and runs
 * nothing.
 *
 * @param name of the kind of device
 */
public record PlannedDriver(
    String name, Hardware hardware, Set<Precision> precisions, boolean hasFnuz) implements Driver {
  public PlannedDriver {
    precisions = Set.copyOf(precisions);
  }

  private Failure nothingRuns() {
    return Failure.failed(name + " is only planned for; nothing runs on it");
  }

  @Override
  public void enter() {}

  @Override
  public void enterToRelease() {}

  @Override
  public long allocate(String what, long bytes) {
    throw nothingRuns();
  }

  @Override
  public void free(long address) {}

  @Override
  public void synchronize(String doing) {
    throw nothingRuns();
  }

  @Override
  public void copyIn(long address, MemorySegment from) {
    throw nothingRuns();
  }

  @Override
  public void copyOut(long address, MemorySegment to) {
    throw nothingRuns();
  }

  @Override
  public MemorySegment allocateHost(long bytes) {
    throw nothingRuns();
  }

  @Override
  public void freeHost(MemorySegment memory) {}

  @Override
  public void enqueueCopyIn(long address, MemorySegment from) {
    throw nothingRuns();
  }

  @Override
  public void enqueueCopyOut(long address, MemorySegment to) {
    throw nothingRuns();
  }

  @Override
  public boolean runs() {
    return false;
  }

  @Override
  public PreparedCommand prepare(Command.Clear clear) {
    throw nothingRuns();
  }

  @Override
  public Module load(String file, byte[] image) {
    throw nothingRuns();
  }

  @Override
  public Graph capture(String graph, Runnable commands) {
    throw nothingRuns();
  }

  @Override
  public Events events(int count) {
    throw nothingRuns();
  }

  @Override
  public void close() {}
}
