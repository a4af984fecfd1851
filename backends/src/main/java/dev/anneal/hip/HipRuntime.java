package dev.anneal.hip;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of libamdhip64 that this backend calls, all of which have had the same names,
 * parameters and numbers from ROCm 5.2 to 7. Handles and device addresses are longs. {@code doing}
 * says in a failure what was asked for.
 *
 * <p>Constants: hip_runtime_api.h of ROCm 5.2, 6.3 and 7, which agree in all that is used here.
 */
final class HipRuntime {
  static final int OUT_OF_MEMORY = 2;
  static final int NO_DEVICE = 100;

  private static final int ATTRIBUTE_WAVE = 87;
  private static final int STREAM_NON_BLOCKING = 1;
  private static final int CAPTURE_THREAD_LOCAL = 1;
  private static final int NAME_BYTES = 256;

  private final SharedLibrary library;
  private final MethodHandle init;
  private final MethodHandle runtimeVersion;
  private final MethodHandle deviceCount;
  private final MethodHandle setDevice;
  private final MethodHandle deviceAttribute;
  private final MethodHandle deviceName;
  private final MethodHandle deviceMemory;
  private final MethodHandle errorName;
  private final MethodHandle malloc;
  private final MethodHandle free;
  private final MethodHandle memoryInfo;
  private final MethodHandle copyIn;
  private final MethodHandle copyOut;
  private final MethodHandle fill;
  private final MethodHandle streamCreate;
  private final MethodHandle streamDestroy;
  private final MethodHandle streamSynchronize;
  private final MethodHandle beginCapture;
  private final MethodHandle endCapture;
  private final MethodHandle graphInstantiate;
  private final MethodHandle graphLaunch;
  private final MethodHandle graphDestroy;
  private final MethodHandle executableDestroy;
  private final MethodHandle eventCreate;
  private final MethodHandle eventDestroy;
  private final MethodHandle eventRecord;
  private final MethodHandle eventElapsed;
  private final MethodHandle moduleLoad;
  private final MethodHandle moduleUnload;
  private final MethodHandle moduleFunction;
  private final MethodHandle moduleLaunch;

  /**
   * Binds all of them.
   *
   * @throws Failure when the library lacks one
   */
  HipRuntime(SharedLibrary library) {
    this.library = library;
    init = bind("hipInit", JAVA_INT);
    runtimeVersion = bind("hipRuntimeGetVersion", ADDRESS);
    deviceCount = bind("hipGetDeviceCount", ADDRESS);
    setDevice = bind("hipSetDevice", JAVA_INT);
    deviceAttribute = bind("hipDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    deviceName = bind("hipDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT);
    deviceMemory = bind("hipDeviceTotalMem", ADDRESS, JAVA_INT);
    errorName = library.function("hipGetErrorName", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    malloc = bind("hipMalloc", ADDRESS, JAVA_LONG);
    free = bind("hipFree", JAVA_LONG);
    memoryInfo = bind("hipMemGetInfo", ADDRESS, ADDRESS);
    copyIn = bind("hipMemcpyHtoDAsync", JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);
    copyOut = bind("hipMemcpyDtoHAsync", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    fill = bind("hipMemsetAsync", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    streamCreate = bind("hipStreamCreateWithFlags", ADDRESS, JAVA_INT);
    streamDestroy = bind("hipStreamDestroy", JAVA_LONG);
    streamSynchronize = bind("hipStreamSynchronize", JAVA_LONG);
    beginCapture = bind("hipStreamBeginCapture", JAVA_LONG, JAVA_INT);
    endCapture = bind("hipStreamEndCapture", JAVA_LONG, ADDRESS);
    graphInstantiate = bind("hipGraphInstantiateWithFlags", ADDRESS, JAVA_LONG, JAVA_LONG);
    graphLaunch = bind("hipGraphLaunch", JAVA_LONG, JAVA_LONG);
    graphDestroy = bind("hipGraphDestroy", JAVA_LONG);
    executableDestroy = bind("hipGraphExecDestroy", JAVA_LONG);
    eventCreate = bind("hipEventCreateWithFlags", ADDRESS, JAVA_INT);
    eventDestroy = bind("hipEventDestroy", JAVA_LONG);
    eventRecord = bind("hipEventRecord", JAVA_LONG, JAVA_LONG);
    eventElapsed = bind("hipEventElapsedTime", ADDRESS, JAVA_LONG, JAVA_LONG);
    moduleLoad = bind("hipModuleLoadData", ADDRESS, ADDRESS);
    moduleUnload = bind("hipModuleUnload", JAVA_LONG);
    moduleFunction = bind("hipModuleGetFunction", ADDRESS, JAVA_LONG, ADDRESS);
    moduleLaunch =
        bind(
            "hipModuleLaunchKernel",
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            ADDRESS,
            ADDRESS);
  }

  private MethodHandle bind(String name, MemoryLayout... parameters) {
    return library.function(name, FunctionDescriptor.of(JAVA_INT, parameters));
  }

  SharedLibrary library() {
    return library;
  }

  // ---- calls ----

  @FunctionalInterface
  private interface Call {
    int run() throws Throwable;
  }

  @FunctionalInterface
  private interface CallInto {
    int run(MemorySegment result) throws Throwable;
  }

  private static int code(Call call) {
    try {
      return call.run();
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  private void call(String doing, Call call) {
    check(code(call), doing);
  }

  /** The eight bytes that a call writes through its pointer. */
  private long result(String doing, CallInto call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(JAVA_LONG);
      check(code(() -> call.run(result)), doing);
      return result.get(JAVA_LONG, 0);
    }
  }

  /**
   * Nothing when {@code code} is success.
   *
   * @throws Failure with exit code 3: after an error the device answers nothing any more
   */
  private void check(int code, String doing) {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND,
          "the HIP device was lost while "
              + doing
              + ": "
              + errorName(code)
              + "; what was saved before is whole, start again from the last checkpoint");
    }
  }

  /** E.g. {@code hipErrorNoDevice}. */
  String errorName(int code) {
    try {
      MemorySegment name = (MemorySegment) errorName.invokeExact(code);
      return name.reinterpret(NAME_BYTES).getString(0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  // ---- devices ----

  /** The result code of starting the runtime. */
  int init() {
    return code(() -> (int) init.invokeExact(0));
  }

  /** How many devices there are, or the result code of asking, negative. */
  int deviceCount() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      int code = code(() -> (int) deviceCount.invokeExact(count));
      return code == 0 ? count.get(JAVA_INT, 0) : -code;
    }
  }

  /** E.g. {@code 6.3}; the number is 60342134 for 6.3.42134. */
  String version() {
    int version = (int) result("asking its version", to -> (int) runtimeVersion.invokeExact(to));
    return version / 10_000_000 + "." + version % 10_000_000 / 100_000;
  }

  /** Threads that run in step. */
  int wave(int device) {
    return (int)
        result("asking", to -> (int) deviceAttribute.invokeExact(to, ATTRIBUTE_WAVE, device));
  }

  String name(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(NAME_BYTES);
      call("asking its name", () -> (int) deviceName.invokeExact(name, NAME_BYTES, device));
      return name.getString(0);
    }
  }

  long memoryBytes(int device) {
    return result("asking its memory", to -> (int) deviceMemory.invokeExact(to, device));
  }

  /** Makes {@code device} the calling thread's. */
  void enter(int device) {
    call("entering it", () -> (int) setDevice.invokeExact(device));
  }

  void enterToRelease(int device) {
    code(() -> (int) setDevice.invokeExact(device));
  }

  // ---- memory ----

  /** Writes the address; the result code may be {@link #OUT_OF_MEMORY}. */
  int allocate(MemorySegment address, long bytes) {
    return code(() -> (int) malloc.invokeExact(address, bytes));
  }

  void checkAllocated(int code, String what) {
    check(code, "allocating the " + what);
  }

  void free(long address) {
    code(() -> (int) free.invokeExact(address));
  }

  /** Bytes that are free now, of how many. */
  long[] freeAndTotal() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(JAVA_LONG);
      MemorySegment total = arena.allocate(JAVA_LONG);
      call("asking for its memory", () -> (int) memoryInfo.invokeExact(free, total));
      return new long[] {free.get(JAVA_LONG, 0), total.get(JAVA_LONG, 0)};
    }
  }

  void copyIn(long to, MemorySegment from, long stream) {
    long bytes = from.byteSize();
    call("copying to it", () -> (int) copyIn.invokeExact(to, from, bytes, stream));
  }

  void copyOut(MemorySegment to, long from, long stream) {
    long bytes = to.byteSize();
    call("copying from it", () -> (int) copyOut.invokeExact(to, from, bytes, stream));
  }

  void clear(long address, long bytes, long stream) {
    call("clearing", () -> (int) fill.invokeExact(address, 0, bytes, stream));
  }

  // ---- streams and graphs ----

  long newStream() {
    return result("making a stream", to -> (int) streamCreate.invokeExact(to, STREAM_NON_BLOCKING));
  }

  void destroyStream(long stream) {
    code(() -> (int) streamDestroy.invokeExact(stream));
  }

  void synchronize(long stream, String doing) {
    call(doing, () -> (int) streamSynchronize.invokeExact(stream));
  }

  void beginCapture(long stream, String doing) {
    call(doing, () -> (int) beginCapture.invokeExact(stream, CAPTURE_THREAD_LOCAL));
  }

  long endCapture(long stream, String doing) {
    return result(doing, to -> (int) endCapture.invokeExact(stream, to));
  }

  /** A graph that can be launched, of one that was captured. */
  long instantiate(long graph, String doing) {
    return result(doing, to -> (int) graphInstantiate.invokeExact(to, graph, 0L));
  }

  void launch(long executable, long stream, String doing) {
    call(doing, () -> (int) graphLaunch.invokeExact(executable, stream));
  }

  void destroyGraph(long graph) {
    code(() -> (int) graphDestroy.invokeExact(graph));
  }

  void destroyExecutable(long executable) {
    code(() -> (int) executableDestroy.invokeExact(executable));
  }

  // ---- events ----

  long newEvent() {
    return result("making an event", to -> (int) eventCreate.invokeExact(to, 0));
  }

  void destroyEvent(long event) {
    code(() -> (int) eventDestroy.invokeExact(event));
  }

  void record(long event, long stream) {
    call("timing", () -> (int) eventRecord.invokeExact(event, stream));
  }

  float milliseconds(long from, long to) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment elapsed = arena.allocate(JAVA_FLOAT);
      call("timing", () -> (int) eventElapsed.invokeExact(elapsed, from, to));
      return elapsed.get(JAVA_FLOAT, 0);
    }
  }

  // ---- modules ----

  /** Writes the module; the result code says whether the image was taken. */
  int load(MemorySegment module, MemorySegment image) {
    return code(() -> (int) moduleLoad.invokeExact(module, image));
  }

  void unload(long module) {
    code(() -> (int) moduleUnload.invokeExact(module));
  }

  long function(long module, String name, String doing) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(name);
      return result(doing, to -> (int) moduleFunction.invokeExact(to, module, text));
    }
  }

  void launch(
      long function,
      Grid grid,
      int threads,
      int sharedBytes,
      long stream,
      MemorySegment parameters,
      String doing) {
    MemorySegment none = MemorySegment.NULL;
    call(
        doing,
        () ->
            (int)
                moduleLaunch.invokeExact(
                    function,
                    grid.x(),
                    grid.y(),
                    grid.z(),
                    threads,
                    1,
                    1,
                    sharedBytes,
                    stream,
                    parameters,
                    none));
  }
}
