package dev.anneal.opencl;

import dev.anneal.device.Memory;
import org.jocl.CL;
import org.jocl.cl_mem;

/** An arena in one buffer of the device. */
final class OpenClMemory implements Memory {
  private final cl_mem buffer;
  private final long bytes;
  private final Runnable released;

  /**
   * @param released told once, when the memory is given back
   */
  OpenClMemory(cl_mem buffer, long bytes, Runnable released) {
    this.buffer = buffer;
    this.bytes = bytes;
    this.released = released;
  }

  cl_mem buffer() {
    return buffer;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    CL.clReleaseMemObject(buffer);
    released.run();
  }
}
