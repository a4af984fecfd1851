package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;
import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.gpu.Driver;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.launch.Command;
import dev.anneal.launch.Hardware;
import dev.anneal.plan.Precision;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/** The primary context of one NVIDIA GPU and its one stream, by JCuda. */
final class CudaDriver implements Driver {
  /** The most that one copy moves: a direct buffer has 31 bits. */
  private static final long CHUNK = 1L << 30;

  /** The first with arithmetic in bf16 and TF32. */
  private static final int AMPERE = 80;

  /** The first with arithmetic in fp8. */
  private static final int ADA = 89;

  private final CUdevice device;
  private final int capability;
  private final CUcontext context = new CUcontext();
  private final CudaStream stream = new CudaStream();

  CudaDriver(CUdevice device, int capability) {
    this.device = device;
    this.capability = capability;
    check(
        "cuDevicePrimaryCtxRetain",
        JCudaDriver.cuDevicePrimaryCtxRetain(context, device),
        "opening it");
    enter();
    check(
        "cuStreamCreate",
        JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING),
        "making a stream");
  }

  CudaStream stream() {
    return stream;
  }

  @Override
  public Hardware hardware() {
    return hardware(capability);
  }

  /** Of a compute capability, e.g. 90 for 9.0. */
  static Hardware hardware(int capability) {
    // The least of all devices that kernels are compiled for: 99 KiB when asked.
    return new Hardware(32, 48 << 10, 99 << 10, TensorCores.of(capability));
  }

  @Override
  public Set<Precision> precisions() {
    return precisions(capability);
  }

  /** Of a compute capability. */
  static Set<Precision> precisions(int capability) {
    Set<Precision> all = EnumSet.of(Precision.FP32);
    if (capability >= AMPERE) {
      all.addAll(EnumSet.of(Precision.TF32, Precision.BF16, Precision.PURE_BF16));
    }
    if (capability >= ADA) {
      all.addAll(EnumSet.of(Precision.FP8, Precision.FP8_HYBRID));
    }
    return all;
  }

  @Override
  public void enter() {
    check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context), "entering its context");
  }

  @Override
  public void enterToRelease() {
    JCudaDriver.cuCtxSetCurrent(context);
  }

  @Override
  public long allocate(String what, long bytes) {
    enter();
    DevicePointer pointer = new DevicePointer();
    long size = Math.max(bytes, 1);
    int code = JCudaDriver.cuMemAlloc(pointer, size);
    if (code == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      long[] free = new long[1];
      long[] total = new long[1];
      check("cuMemGetInfo", JCudaDriver.cuMemGetInfo(free, total), "asking for its memory");
      throw Failure.failed(
          "the "
              + what
              + " need "
              + bytes
              + " bytes; the device has "
              + free[0]
              + " free of "
              + total[0]
              + "; lower "
              + setting("batch")
              + ", "
              + setting("seq")
              + " or the model's size, or recompute more");
    }
    check("cuMemAlloc", code, "allocating the " + what);
    try {
      check(
          "cuMemsetD8Async",
          JCudaDriver.cuMemsetD8Async(pointer, (byte) 0, size, stream),
          "clearing the " + what);
      return pointer.address();
    } catch (Failure e) {
      free(pointer.address());
      throw e;
    }
  }

  @Override
  public void free(long address) {
    enterToRelease();
    JCudaDriver.cuMemFree(DevicePointer.at(address));
  }

  @Override
  public void synchronize(String doing) {
    check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream), doing);
  }

  @Override
  public void copyIn(long address, MemorySegment from) {
    enter();
    for (long at = 0; at < from.byteSize(); at += CHUNK) {
      long bytes = Math.min(CHUNK, from.byteSize() - at);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment part = from.asSlice(at, bytes);
        MemorySegment host = part.isNative() ? part : arena.allocate(bytes).copyFrom(part);
        check(
            "cuMemcpyHtoDAsync",
            JCudaDriver.cuMemcpyHtoDAsync(
                DevicePointer.at(address + at), pointer(host), bytes, stream),
            "copying to it");
        synchronize("copying to it");
      }
    }
  }

  @Override
  public void copyOut(long address, MemorySegment to) {
    enter();
    for (long at = 0; at < to.byteSize(); at += CHUNK) {
      long bytes = Math.min(CHUNK, to.byteSize() - at);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment part = to.asSlice(at, bytes);
        MemorySegment host = part.isNative() ? part : arena.allocate(bytes);
        check(
            "cuMemcpyDtoHAsync",
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

  @Override
  public MemorySegment allocateHost(long bytes) {
    enter();
    Pointer pointer = new Pointer();
    check(
        "cuMemAllocHost",
        JCudaDriver.cuMemAllocHost(pointer, bytes),
        "allocating memory of the host");
    return MemorySegment.ofBuffer(pointer.getByteBuffer(0, bytes));
  }

  @Override
  public void freeHost(MemorySegment memory) {
    enterToRelease();
    JCudaDriver.cuMemFreeHost(pointer(memory));
  }

  @Override
  public void enqueueCopyIn(long address, MemorySegment from) {
    check(
        "cuMemcpyHtoDAsync",
        JCudaDriver.cuMemcpyHtoDAsync(
            DevicePointer.at(address), pointer(from), from.byteSize(), stream),
        "copying to it");
  }

  @Override
  public void enqueueCopyOut(long address, MemorySegment to) {
    check(
        "cuMemcpyDtoHAsync",
        JCudaDriver.cuMemcpyDtoHAsync(
            pointer(to), DevicePointer.at(address), to.byteSize(), stream),
        "copying from it");
  }

  private static Pointer pointer(MemorySegment host) {
    return Pointer.to(host.asByteBuffer());
  }

  @Override
  public PreparedCommand prepare(Command.Clear clear) {
    CUdeviceptr address = DevicePointer.at(clear.place().address());
    return () ->
        check(
            "cuMemsetD8Async",
            JCudaDriver.cuMemsetD8Async(address, (byte) 0, clear.bytes(), stream),
            "clearing");
  }

  @Override
  public Module load(String file, byte[] image) {
    return new CudaModule(file, image, capability, stream, hardware());
  }

  @Override
  public Graph capture(String name, Runnable commands) {
    return new CudaGraph(stream, name, commands);
  }

  @Override
  public Events events(int count) {
    return new CudaEvents(stream, count);
  }

  @Override
  public void close() {
    enterToRelease();
    JCudaDriver.cuStreamDestroy(stream);
    JCudaDriver.cuDevicePrimaryCtxRelease(device);
  }
}
