package dev.anneal.cuda;

import dev.anneal.device.Memory;
import jcuda.driver.JCudaDriver;

/** An arena, or a program's workspace, in device memory. */
final class CudaMemory implements Memory {
  private final CudaContext context;
  private final DevicePointer pointer;
  private final long bytes;
  private boolean open = true;

  CudaMemory(CudaContext context, DevicePointer pointer, long bytes) {
    this.context = context;
    this.pointer = pointer;
    this.bytes = bytes;
  }

  long address() {
    return pointer.address();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  /** Frees the memory; what the driver says to that is of no use to anyone. */
  @Override
  public void close() {
    if (open) {
      open = false;
      context.enter();
      JCudaDriver.cuMemFree(pointer);
    }
  }
}
