package dev.anneal.cpu;

import static dev.anneal.failure.Spelling.setting;
import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** The CPU: a team of threads over host memory. */
public final class CpuDevice implements Device {
  private final DeviceInfo info;
  private final Team team;

  public CpuDevice(DeviceInfo info, DeviceOptions options) {
    if (options.threads() < 1) {
      throw Failure.usage(
          setting("threads") + " is " + options.threads() + "; expected at least 1");
    }
    this.info = info;
    chooseKernels(options.kernels());
    this.team = new Team(options.threads());
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public Memory allocate(Arena arena, long bytes) {
    try {
      return new CpuMemory(bytes);
    } catch (OutOfMemoryError e) {
      throw Failure.failed(
          "the "
              + arena.name().toLowerCase(java.util.Locale.ROOT)
              + " need "
              + bytes
              + " bytes, which this machine does not have; lower "
              + setting("batch")
              + ", "
              + setting("seq")
              + " or the model's"
              + " size");
    }
  }

  @Override
  public Program compile(Plan plan, Map<Arena, Memory> memory) {
    return new CpuProgram(
        plan,
        team,
        tensor ->
            segment(requireNonNull(memory.get(tensor.arena()))).address()
                + plan.layout().offset(tensor));
  }

  @Override
  public long workspaceBytes(Plan plan) {
    return CpuProgram.workspaceBytes(plan, team.size());
  }

  @Override
  public void copyIn(Memory to, long offset, MemorySegment from) {
    MemorySegment.copy(from, 0, segment(to), offset, from.byteSize());
  }

  @Override
  public void copyOut(Memory from, long offset, MemorySegment to) {
    MemorySegment.copy(segment(from), offset, to, 0, to.byteSize());
  }

  private static MemorySegment segment(Memory memory) {
    if (memory instanceof CpuMemory cpu) {
      return cpu.segment();
    }
    throw new IllegalArgumentException("this memory is not the CPU's: " + memory);
  }

  @Override
  public void close() {
    team.close();
  }
}
