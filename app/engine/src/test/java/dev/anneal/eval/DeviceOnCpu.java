package dev.anneal.eval;

import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** A device for a test: the CPU, but for what the test makes otherwise. */
public class DeviceOnCpu implements Device {
  protected final Device cpu;

  public DeviceOnCpu(DeviceOptions options) {
    CpuBackend backend = new CpuBackend();
    DeviceInfo host = ((Availability.Available) backend.probe()).devices().getFirst();
    this.cpu = backend.open(host, options.onlyThreads());
  }

  @Override
  public DeviceInfo info() {
    return cpu.info();
  }

  @Override
  public Memory allocate(Arena arena, long bytes) {
    return cpu.allocate(arena, bytes);
  }

  @Override
  public Program compile(Plan plan, Map<Arena, Memory> memory) {
    return cpu.compile(plan, memory);
  }

  @Override
  public long workspaceBytes(Plan plan) {
    return cpu.workspaceBytes(plan);
  }

  @Override
  public void copyIn(Memory to, long offset, MemorySegment from) {
    cpu.copyIn(to, offset, from);
  }

  @Override
  public void copyOut(Memory from, long offset, MemorySegment to) {
    cpu.copyOut(from, offset, to);
  }

  @Override
  public void close() {
    cpu.close();
  }
}
