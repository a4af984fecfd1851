package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

import dev.anneal.failure.Failure;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/** The primary context of one GPU, and the one stream that everything happens on. */
final class CudaContext implements AutoCloseable {
  /** The most that one copy moves: a direct buffer has 31 bits. */
  private static final long CHUNK = 1L << 30;

  private final CUdevice device;
  private final CUcontext context = new CUcontext();
  private final CudaStream stream = new CudaStream();

  CudaContext(CUdevice device) {
    this.device = device;
    check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "opening it");
    enter();
    check(
        JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING),
        "making a stream");
  }

  CudaStream stream() {
    return stream;
  }

  /** Makes the context this thread's; a session may come from any thread. */
  void enter() {
    check(JCudaDriver.cuCtxSetCurrent(context), "entering its context");
  }

  /**
   * Allocates zeros.
   *
   * @throws Failure when there is not so much memory; it names {@code what}
   */
  CudaMemory allocate(String what, long bytes) {
    enter();
    DevicePointer pointer = new DevicePointer();
    long size = Math.max(bytes, 1);
    int code = JCudaDriver.cuMemAlloc(pointer, size);
    if (code == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      long[] free = new long[1];
      long[] total = new long[1];
      check(JCudaDriver.cuMemGetInfo(free, total), "asking for its memory");
      throw Failure.failed(
          "the "
              + what
              + " need "
              + bytes
              + " bytes; the device has "
              + free[0]
              + " free of "
              + total[0]
              + "; lower --batch, --seq or the model's size, or recompute more");
    }
    check(code, "allocating the " + what);
    check(JCudaDriver.cuMemsetD8Async(pointer, (byte) 0, size, stream), "clearing the " + what);
    return new CudaMemory(this, pointer, bytes);
  }

  /** Waits for the stream. */
  void synchronize(String doing) {
    check(JCudaDriver.cuStreamSynchronize(stream), doing);
  }

  void copyIn(long address, MemorySegment from) {
    enter();
    for (long at = 0; at < from.byteSize(); at += CHUNK) {
      long bytes = Math.min(CHUNK, from.byteSize() - at);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment part = from.asSlice(at, bytes);
        MemorySegment host = part.isNative() ? part : arena.allocate(bytes).copyFrom(part);
        check(
            JCudaDriver.cuMemcpyHtoDAsync(
                DevicePointer.at(address + at), pointer(host), bytes, stream),
            "copying to it");
        // The caller may change what it gave as soon as this returns.
        synchronize("copying to it");
      }
    }
  }

  void copyOut(long address, MemorySegment to) {
    enter();
    for (long at = 0; at < to.byteSize(); at += CHUNK) {
      long bytes = Math.min(CHUNK, to.byteSize() - at);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment part = to.asSlice(at, bytes);
        MemorySegment host = part.isNative() ? part : arena.allocate(bytes);
        check(
            JCudaDriver.cuMemcpyDtoHAsync(
                pointer(host), DevicePointer.at(address + at), bytes, stream),
            "copying from it");
        synchronize("copying from it");
        if (!part.isNative()) {
          part.copyFrom(host);
        }
      }
    }
  }

  private static Pointer pointer(MemorySegment host) {
    return Pointer.to(host.asByteBuffer());
  }

  @Override
  public void close() {
    enter();
    JCudaDriver.cuStreamDestroy(stream);
    JCudaDriver.cuDevicePrimaryCtxRelease(device);
  }
}
