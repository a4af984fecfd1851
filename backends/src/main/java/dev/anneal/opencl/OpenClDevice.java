package dev.anneal.opencl;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.device.ProgramCosts;
import dev.anneal.launch.KernelVersions;
import dev.anneal.launch.Language;
import dev.anneal.launch.OpLaunches;
import dev.anneal.launch.OpenClContext;
import dev.anneal.launch.Workspace;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.Pointer;
import org.jocl.cl_command_queue;
import org.jocl.cl_context;
import org.jocl.cl_context_properties;
import org.jocl.cl_device_id;
import org.jocl.cl_mem;

/** One OpenCL device: a context, and queues that take everything in order, one at a time. */
final class OpenClDevice implements Device {
  /** Bytes per copy or fill: well within what a ByteBuffer, and any driver, handles. */
  private static final long CHUNK = 1 << 28;

  /** Before it, buffers cannot be empty. */
  private static final long SMALLEST = 64;

  private final DeviceInfo info;
  private final DeviceLimits limits;
  private final long block;
  private final Pace pace;
  private final KernelVersions versions;
  private final cl_context context;
  private final cl_command_queue queue;

  private final cl_device_id device;

  /** The same with times of what it does, which cost some devices a tenth: none until asked for. */
  private Optional<cl_command_queue> timed = Optional.empty();

  private final KernelCompiler compiler;
  private final TrialLaunch trial;
  private final KernelProbe probe;
  private long allocated;

  OpenClDevice(DeviceInfo info, DeviceHandle handle, DeviceOptions options) {
    this(info, handle, options, CacheDirectory.ofUser("opencl"));
  }

  OpenClDevice(DeviceInfo info, DeviceHandle handle, DeviceOptions options, CacheDirectory cache) {
    this(
        info,
        handle,
        options,
        cache,
        Optional.empty(),
        ArenaLayout.BLOCK,
        Pace.of(handle.limits()));
  }

  /**
   * @param probe of kernels; the usual one where none is given
   * @param block bytes at whose multiples arenas can be cut
   * @param pace by which launches are cut
   */
  OpenClDevice(
      DeviceInfo info,
      DeviceHandle handle,
      DeviceOptions options,
      CacheDirectory cache,
      Optional<KernelProbe> probe,
      long block,
      Pace pace) {
    this.info = info;
    this.pace = pace;
    this.block = block;
    this.device = handle.device();
    this.limits = handle.limits();
    this.versions = new KernelVersions(limits.machine(), Language.OPENCL);
    versions.choose(options.kernels());
    try {
      cl_context_properties properties = new cl_context_properties();
      properties.addProperty(CL.CL_CONTEXT_PLATFORM, handle.platform());
      this.context =
          CL.clCreateContext(properties, 1, new cl_device_id[] {handle.device()}, null, null, null);
      this.queue = queue(context, handle.device(), 0);
    } catch (CLException e) {
      throw OpenClFailures.lost("opening it", limits, e);
    }
    this.compiler = new KernelCompiler(handle, context, new KernelBinaries(cache));
    this.trial = new TrialLaunch(this, context);
    // CPUs have registers and local memory in their memory, and run whatever they compile.
    this.probe = probe.orElse(limits.vectors() ? KernelProbe.NONE : trial);
  }

  /** The way that every version of OpenCL has. */
  @SuppressWarnings("deprecation")
  private static cl_command_queue queue(cl_context context, cl_device_id device, long how) {
    return CL.clCreateCommandQueue(context, device, how, null);
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  DeviceLimits limits() {
    return limits;
  }

  Pace pace() {
    return pace;
  }

  cl_command_queue queue() {
    return queue;
  }

  /** Made when it is first asked for. */
  cl_command_queue timedQueue() {
    cl_command_queue made =
        timed.orElseGet(() -> queue(context, device, CL.CL_QUEUE_PROFILING_ENABLE));
    timed = Optional.of(made);
    return made;
  }

  boolean hasTimedQueue() {
    return timed.isPresent();
  }

  /**
   * Nothing when the device answers after an error.
   *
   * @throws dev.anneal.failure.Failure when it does not: it is lost
   */
  void requireAlive(String doing, CLException error) {
    try {
      allocate("a few bytes", SMALLEST).close();
    } catch (RuntimeException e) {
      throw OpenClFailures.lost(doing, limits, error);
    }
  }

  /** Of the device that this is. */
  TrialLaunch trial() {
    return trial;
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
    return versions.families();
  }

  @Override
  public Map<String, Integer> kernelVersions() {
    return versions.all();
  }

  @Override
  public void preferKernels(Map<String, Integer> preferred) {
    versions.prefer(preferred);
  }

  @Override
  public void chooseKernels(Map<String, Integer> chosen) {
    versions.choose(chosen);
  }

  @Override
  public List<String> notes() {
    return versions.notes();
  }

  @Override
  public Memory allocate(Arena arena, long bytes) {
    String what = "the " + arena.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    long whole = limits.allocationBytes() / block * block;
    boolean cut = bytes > limits.allocationBytes() && whole > 0;
    return allocate(what, bytes, cut ? whole : Math.max(bytes, 1));
  }

  /** Memory in one piece. */
  OpenClMemory allocate(String what, long bytes) {
    return allocate(what, bytes, Math.max(bytes, 1));
  }

  private OpenClMemory allocate(String what, long bytes, long most) {
    if (bytes > limits.memoryBytes() - allocated) {
      String why =
          allocated == 0
              ? "it has " + limits.memoryBytes()
              : "it has " + limits.memoryBytes() + ", of which " + allocated + " are taken";
      throw OpenClFailures.memory(what, bytes, limits, why);
    }
    List<OpenClMemory.Piece> pieces = new ArrayList<>();
    try {
      for (long from = 0; from == 0 || from < bytes; from += most) {
        long to = Math.min(bytes, from + most);
        long size = Math.max(to - from, SMALLEST);
        cl_mem buffer = CL.clCreateBuffer(context, CL.CL_MEM_READ_WRITE, size, null, null);
        pieces.add(new OpenClMemory.Piece(buffer, from, to));
        clear(buffer, size);
      }
    } catch (CLException e) {
      pieces.forEach(piece -> CL.clReleaseMemObject(piece.buffer()));
      throw refused(what, bytes, e);
    }
    allocated += bytes;
    return new OpenClMemory(pieces, bytes, () -> allocated -= bytes);
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
      return new OpenClProgram(
          this, plan, memory, context(arena -> OpenClProgram.isCut(memory, arena)));
    } catch (CLException e) {
      throw OpenClFailures.lost("compiling " + plan.name(), limits, e);
    }
  }

  @Override
  public Optional<ProgramCosts> costs(Plan plan) {
    OpenClContext context = context(arena -> false);
    List<ProgramCosts.Command> commands =
        OpLaunches.groups(plan.ops(), context).stream()
            .flatMap(group -> LaunchCosts.of(group).stream())
            .toList();
    // A launch is a call, a flush is one, and the wait at the end one more.
    return Optional.of(
        new ProgramCosts(
            commands,
            context.workspace().bytes(),
            new ProgramCosts.Calls(
                commands.size() + commands.size() / OpenClProgram.FLUSH + 1, 1, 1, 0, 0)));
  }

  @Override
  public long workspaceBytes(Plan plan) {
    OpenClContext context = context(arena -> false);
    OpLaunches.groups(plan.ops(), context);
    return context.workspace().bytes();
  }

  /**
   * What launches are made with.
   *
   * @param cut the arenas that are in several buffers
   */
  private OpenClContext context(Predicate<Arena> cut) {
    return new OpenClContext(
        limits.machine(),
        versions,
        new Workspace(OpenClContext.ALIGNMENT),
        cut,
        launch ->
            probe
                .refusal(launch)
                .map(
                    why ->
                        new OpenClContext.Refusal(
                            launch.kernel(), why, OpenClFailures.group(launch, limits, why))));
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
    try {
      for (OpenClMemory.Piece piece : own(device).pieces()) {
        long begin = Math.max(offset, piece.from());
        long end = Math.min(offset + host.byteSize(), piece.to());
        for (long at = begin; at < end; at += CHUNK) {
          MemorySegment part = host.asSlice(at - offset, Math.min(CHUNK, end - at));
          if (part.isNative()) {
            copy(piece.buffer(), at - piece.from(), part, in);
          } else {
            copyHeap(piece.buffer(), at - piece.from(), part, in);
          }
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

  static OpenClMemory own(Memory memory) {
    if (memory instanceof OpenClMemory own) {
      return own;
    }
    throw new IllegalArgumentException("this memory is not of OpenCL: " + memory);
  }

  @Override
  public void close() {
    trial.close();
    compiler.close();
    timed.ifPresent(CL::clReleaseCommandQueue);
    CL.clReleaseCommandQueue(queue);
    CL.clReleaseContext(context);
  }
}
