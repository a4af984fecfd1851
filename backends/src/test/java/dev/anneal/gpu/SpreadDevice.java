package dev.anneal.gpu;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * A GPU's double, with every tensor of a plan in memory of its own and not side by side in an
 * arena, so that whoever reads or writes beyond a tensor is seen. For plans of the inputs arena
 * alone.
 */
public final class SpreadDevice implements Device {
  private final GpuDevice device;
  private final Map<Long, Memory> byOffset = new HashMap<>();

  public SpreadDevice(GpuDevice device) {
    this.device = device;
  }

  @Override
  public DeviceInfo info() {
    return device.info();
  }

  @Override
  public Memory allocate(Arena arena, long bytes) {
    return device.allocate(arena, 1);
  }

  @Override
  public Program compile(Plan plan, Map<Arena, Memory> memory) {
    byOffset.values().forEach(Memory::close);
    byOffset.clear();
    Map<Tensor, GpuMemory> own = new HashMap<>();
    for (Tensor tensor : plan.tensors()) {
      GpuMemory place = (GpuMemory) device.allocate(Arena.INPUTS, tensor.bytes());
      own.put(tensor, place);
      byOffset.put(plan.layout().offset(tensor), place);
    }
    return device.compile(plan, tensor -> own.get(tensor).address());
  }

  @Override
  public void chooseKernels(Map<String, Integer> versions) {
    device.chooseKernels(versions);
  }

  @Override
  public long workspaceBytes(Plan plan) {
    return device.workspaceBytes(plan);
  }

  @Override
  public void copyIn(Memory to, long offset, MemorySegment from) {
    device.copyIn(byOffset.get(offset), 0, from);
  }

  @Override
  public void copyOut(Memory from, long offset, MemorySegment to) {
    device.copyOut(byOffset.get(offset), 0, to);
  }

  @Override
  public void close() {
    byOffset.values().forEach(Memory::close);
    device.close();
  }
}
