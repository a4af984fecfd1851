package dev.anneal.gpu;

import dev.anneal.device.Memory;

/** An arena, or a program's workspace, in device memory. */
final class GpuMemory implements Memory {
  private final Driver driver;
  private final long address;
  private final long bytes;
  private boolean open = true;

  GpuMemory(Driver driver, String what, long bytes) {
    this.driver = driver;
    this.address = driver.allocate(what, bytes);
    this.bytes = bytes;
  }

  long address() {
    return address;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      driver.free(address);
    }
  }
}
