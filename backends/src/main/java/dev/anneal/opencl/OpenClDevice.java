package dev.anneal.opencl;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.Pointer;
import org.jocl.cl_command_queue;
import org.jocl.cl_context;
import org.jocl.cl_context_properties;
import org.jocl.cl_device_id;
import org.jocl.cl_mem;

/** One OpenCL device: a context, and one queue that takes everything in order. */
final class OpenClDevice implements Device {
  /** Bytes per copy or fill: well within what a ByteBuffer, and any driver, handles. */
  private static final long CHUNK = 1 << 28;

  /** Before it, buffers cannot be empty. */
  private static final long SMALLEST = 64;

  private final DeviceInfo info;
  private final DeviceLimits limits;
  private final KernelVersions versions;
  private final cl_context context;
  private final cl_command_queue queue;
  private final KernelCompiler compiler;
  private long allocated;

  OpenClDevice(DeviceInfo info, DeviceHandle handle, DeviceOptions options) {
    this(info, handle, options, CacheDirectory.ofUser("opencl"));
  }

  OpenClDevice(DeviceInfo info, DeviceHandle handle, DeviceOptions options, CacheDirectory cache) {
    this.info = info;
    this.limits = handle.limits();
    this.versions = new KernelVersions(limits, options.kernels());
    try {
      cl_context_properties properties = new cl_context_properties();
      properties.addProperty(CL.CL_CONTEXT_PLATFORM, handle.platform());
      this.context =
          CL.clCreateContext(properties, 1, new cl_device_id[] {handle.device()}, null, null, null);
      this.queue = queue(context, handle.device());
    } catch (CLException e) {
      throw OpenClFailures.lost("opening it", limits, e);
    }
    this.compiler = new KernelCompiler(handle, context, new KernelBinaries(cache));
  }

  /** The way that every version of OpenCL has. */
  @SuppressWarnings("deprecation")
  private static cl_command_queue queue(cl_context context, cl_device_id device) {
    return CL.clCreateCommandQueue(context, device, CL.CL_QUEUE_PROFILING_ENABLE, null);
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  DeviceLimits limits() {
    return limits;
  }

  cl_command_queue queue() {
    return queue;
  }

  KernelCompiler compiler() {
    return compiler;
  }

  @Override
  public Set<Precision> precisions() {
    return EnumSet.of(Precision.FP32, Precision.BF16, Precision.FP16);
  }

  @Override
  public List<KernelFamily> kernels() {
    return KernelCatalog.FAMILIES;
  }

  @Override
  public Map<String, Integer> kernelVersions() {
    return versions.all();
  }

  @Override
  public void chooseKernels(Map<String, Integer> chosen) {
    versions.choose(chosen);
  }

  @Override
  public Memory allocate(Arena arena, long bytes) {
    return allocate("the " + arena.name().toLowerCase(Locale.ROOT).replace('_', ' '), bytes);
  }

  OpenClMemory allocate(String what, long bytes) {
    if (bytes > limits.memoryBytes() - allocated) {
      String why =
          allocated == 0
              ? "it has " + limits.memoryBytes()
              : "it has " + limits.memoryBytes() + ", of which " + allocated + " are taken";
      throw OpenClFailures.memory(what, bytes, limits, why);
    }
    long size = Math.max(bytes, SMALLEST);
    cl_mem buffer;
    try {
      buffer = CL.clCreateBuffer(context, CL.CL_MEM_READ_WRITE, size, null, null);
    } catch (CLException e) {
      throw refused(what, bytes, e);
    }
    try {
      clear(buffer, size);
    } catch (CLException e) {
      CL.clReleaseMemObject(buffer);
      throw refused(what, bytes, e);
    }
    allocated += bytes;
    return new OpenClMemory(buffer, bytes, () -> allocated -= bytes);
  }

  private RuntimeException refused(String what, long bytes, CLException e) {
    String why =
        bytes > limits.allocationBytes()
            ? "its driver gives " + limits.allocationBytes() + " in one piece"
            : "its driver does not give them (" + e.getMessage() + ")";
    return OpenClFailures.memory(what, bytes, limits, why);
  }

  private void clear(cl_mem buffer, long bytes) {
    for (long from = 0; from < bytes; from += CHUNK) {
      CL.clEnqueueFillBuffer(
          queue,
          buffer,
          Pointer.to(new int[] {0}),
          Integer.BYTES,
          from,
          Math.min(CHUNK, wholeWords(bytes) - from),
          0,
          null,
          null);
    }
    CL.clFinish(queue);
  }

  /** Tensors end within the last whole word. */
  private static long wholeWords(long bytes) {
    return bytes / Integer.BYTES * Integer.BYTES;
  }

  @Override
  public Program compile(Plan plan, Map<Arena, Memory> memory) {
    try {
      return new OpenClProgram(this, plan, memory, versions);
    } catch (CLException e) {
      throw OpenClFailures.lost("compiling " + plan.name(), limits, e);
    }
  }

  @Override
  public long workspaceBytes(Plan plan) {
    return OpenClProgram.workspaceBytes(
        plan.ops().stream().map(op -> OpLaunches.of(op, versions)).toList());
  }

  @Override
  public void copyIn(Memory to, long offset, MemorySegment from) {
    copy(to, offset, from, true);
  }

  @Override
  public void copyOut(Memory from, long offset, MemorySegment to) {
    copy(from, offset, to, false);
  }

  private void copy(Memory device, long offset, MemorySegment host, boolean in) {
    if (offset < 0 || offset + host.byteSize() > device.bytes()) {
      throw new IndexOutOfBoundsException(
          host.byteSize() + " bytes at " + offset + " of a memory of " + device.bytes());
    }
    cl_mem buffer = buffer(device);
    try {
      for (long done = 0; done < host.byteSize(); done += CHUNK) {
        MemorySegment part = host.asSlice(done, Math.min(CHUNK, host.byteSize() - done));
        if (part.isNative()) {
          copy(buffer, offset + done, part, in);
        } else {
          copyHeap(buffer, offset + done, part, in);
        }
      }
    } catch (CLException e) {
      throw OpenClFailures.lost("copying " + host.byteSize() + " bytes", limits, e);
    }
  }

  private void copyHeap(cl_mem buffer, long offset, MemorySegment host, boolean in) {
    try (var staging = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment part = staging.allocate(host.byteSize(), 64);
      if (in) {
        part.copyFrom(host);
      }
      copy(buffer, offset, part, in);
      if (!in) {
        host.copyFrom(part);
      }
    }
  }

  private void copy(cl_mem buffer, long offset, MemorySegment host, boolean in) {
    ByteBuffer bytes = host.asByteBuffer();
    Pointer pointer = Pointer.toBuffer(bytes);
    if (in) {
      CL.clEnqueueWriteBuffer(queue, buffer, true, offset, host.byteSize(), pointer, 0, null, null);
    } else {
      CL.clEnqueueReadBuffer(queue, buffer, true, offset, host.byteSize(), pointer, 0, null, null);
    }
  }

  static cl_mem buffer(Memory memory) {
    if (memory instanceof OpenClMemory own) {
      return own.buffer();
    }
    throw new IllegalArgumentException("this memory is not of OpenCL: " + memory);
  }

  @Override
  public void close() {
    compiler.close();
    CL.clReleaseCommandQueue(queue);
    CL.clReleaseContext(context);
  }
}
