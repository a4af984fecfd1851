package dev.anneal.hip;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.Objects.requireNonNull;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.launch.Grid;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;

/**
 * The functions of libamdhip64 that this backend calls, all of which have had the same names,
 * parameters and numbers from ROCm 5.2 to 7. Handles and device addresses are longs. {@code doing}
 * says in a failure what was asked for.
 *
 * <p>Constants: hip_runtime_api.h of ROCm 5.2, 6.3 and 7, which agree in all that is used here.
 */
final class HipRuntime {
  static final HeaderConstant OUT_OF_MEMORY = new HeaderConstant("hipErrorOutOfMemory", 2);
  static final HeaderConstant NO_DEVICE = new HeaderConstant("hipErrorNoDevice", 100);

  private static final HeaderConstant WAVE = new HeaderConstant("hipDeviceAttributeWarpSize", 87);
  private static final HeaderConstant NON_BLOCKING = new HeaderConstant("hipStreamNonBlocking", 1);
  private static final HeaderConstant THREAD_LOCAL =
      new HeaderConstant("hipStreamCaptureModeThreadLocal", 1);
  private static final HeaderConstant NOT_READY = new HeaderConstant("hipErrorNotReady", 600);
  private static final HeaderConstant TIMED = new HeaderConstant("hipEventDefault", 0);
  private static final int NAME_BYTES = 256;

  private final SharedLibrary library;
  private final Map<HipFunction, MethodHandle> functions = new EnumMap<>(HipFunction.class);

  /**
   * Binds all of them.
   *
   * @throws Failure when the library lacks one
   */
  HipRuntime(SharedLibrary library) {
    this.library = library;
    for (HipFunction function : HipFunction.values()) {
      functions.put(function, library.function(function.function()));
    }
  }

  private MethodHandle bound(HipFunction function) {
    return requireNonNull(functions.get(function));
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

  private void call(HipFunction function, String doing, Call call) {
    check(function, code(call), doing);
  }

  /** The eight bytes that a call writes through its pointer. */
  private long result(HipFunction function, String doing, CallInto call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(JAVA_LONG);
      check(function, code(() -> call.run(result)), doing);
      return result.get(JAVA_LONG, 0);
    }
  }

  /**
   * Nothing when {@code code} is success.
   *
   * @throws Failure with exit code 3: after an error the device answers nothing any more
   */
  private void check(HipFunction function, int code, String doing) {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND,
          "the HIP device was lost while "
              + doing
              + ": "
              + function.function().name()
              + " says "
              + text(code)
              + "; what was saved before is whole, start again from the last checkpoint");
    }
  }

  /** A result code's name, and the runtime's own words for it. */
  String text(int code) {
    try {
      MemorySegment words = (MemorySegment) bound(HipFunction.ERROR_TEXT).invokeExact(code);
      return errorName(code) + " (" + words.reinterpret(NAME_BYTES).getString(0) + ")";
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** E.g. {@code hipErrorNoDevice}. */
  String errorName(int code) {
    try {
      MemorySegment name = (MemorySegment) bound(HipFunction.ERROR_NAME).invokeExact(code);
      return name.reinterpret(NAME_BYTES).getString(0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  // ---- devices ----

  /** The result code of starting the runtime. */
  int init() {
    return code(() -> (int) bound(HipFunction.INIT).invokeExact(0));
  }

  /** How many devices there are, or the result code of asking, negative. */
  int deviceCount() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      int code = code(() -> (int) bound(HipFunction.DEVICE_COUNT).invokeExact(count));
      return code == 0 ? count.get(JAVA_INT, 0) : -code;
    }
  }

  /** E.g. {@code 6.3}; the number is 60342134 for 6.3.42134. */
  String version() {
    int version =
        (int)
            result(
                HipFunction.RUNTIME_VERSION,
                "asking its version",
                to -> (int) bound(HipFunction.RUNTIME_VERSION).invokeExact(to));
    return version / 10_000_000 + "." + version % 10_000_000 / 100_000;
  }

  /** Threads that run in step. */
  int wave(int device) {
    return (int)
        result(
            HipFunction.DEVICE_ATTRIBUTE,
            "asking",
            to -> (int) bound(HipFunction.DEVICE_ATTRIBUTE).invokeExact(to, WAVE.value(), device));
  }

  String name(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(NAME_BYTES);
      call(
          HipFunction.DEVICE_NAME,
          "asking its name",
          () -> (int) bound(HipFunction.DEVICE_NAME).invokeExact(name, NAME_BYTES, device));
      return name.getString(0);
    }
  }

  long memoryBytes(int device) {
    return result(
        HipFunction.DEVICE_MEMORY,
        "asking its memory",
        to -> (int) bound(HipFunction.DEVICE_MEMORY).invokeExact(to, device));
  }

  /** Makes {@code device} the calling thread's. */
  void enter(int device) {
    call(
        HipFunction.SET_DEVICE,
        "entering it",
        () -> (int) bound(HipFunction.SET_DEVICE).invokeExact(device));
  }

  void enterToRelease(int device) {
    code(() -> (int) bound(HipFunction.SET_DEVICE).invokeExact(device));
  }

  // ---- memory ----

  /** Writes the address; the result code may be {@link #OUT_OF_MEMORY}. */
  int allocate(MemorySegment address, long bytes) {
    return code(() -> (int) bound(HipFunction.MALLOC).invokeExact(address, bytes));
  }

  void checkAllocated(int code, String what) {
    check(HipFunction.MALLOC, code, "allocating the " + what);
  }

  void free(long address) {
    code(() -> (int) bound(HipFunction.FREE).invokeExact(address));
  }

  /** Bytes that are free now, of how many. */
  long[] freeAndTotal() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(JAVA_LONG);
      MemorySegment total = arena.allocate(JAVA_LONG);
      call(
          HipFunction.MEMORY_INFO,
          "asking for its memory",
          () -> (int) bound(HipFunction.MEMORY_INFO).invokeExact(free, total));
      return new long[] {free.get(JAVA_LONG, 0), total.get(JAVA_LONG, 0)};
    }
  }

  /** Pages that stay where they are. */
  MemorySegment allocateHost(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(ADDRESS);
      call(
          HipFunction.HOST_MALLOC,
          "allocating memory of the host",
          () -> (int) bound(HipFunction.HOST_MALLOC).invokeExact(to, bytes, 0));
      return to.get(ADDRESS, 0).reinterpret(bytes);
    }
  }

  void freeHost(MemorySegment memory) {
    code(() -> (int) bound(HipFunction.HOST_FREE).invokeExact(memory));
  }

  void copyIn(long to, MemorySegment from, long stream) {
    long bytes = from.byteSize();
    call(
        HipFunction.COPY_IN,
        "copying to it",
        () -> (int) bound(HipFunction.COPY_IN).invokeExact(to, from, bytes, stream));
  }

  void copyOut(MemorySegment to, long from, long stream) {
    long bytes = to.byteSize();
    call(
        HipFunction.COPY_OUT,
        "copying from it",
        () -> (int) bound(HipFunction.COPY_OUT).invokeExact(to, from, bytes, stream));
  }

  void clear(long address, long bytes, long stream) {
    call(
        HipFunction.FILL,
        "clearing",
        () -> (int) bound(HipFunction.FILL).invokeExact(address, 0, bytes, stream));
  }

  // ---- streams and graphs ----

  long newStream() {
    return result(
        HipFunction.STREAM_CREATE,
        "making a stream",
        to -> (int) bound(HipFunction.STREAM_CREATE).invokeExact(to, NON_BLOCKING.value()));
  }

  void destroyStream(long stream) {
    code(() -> (int) bound(HipFunction.STREAM_DESTROY).invokeExact(stream));
  }

  void synchronize(long stream, String doing) {
    call(
        HipFunction.STREAM_SYNCHRONIZE,
        doing,
        () -> (int) bound(HipFunction.STREAM_SYNCHRONIZE).invokeExact(stream));
  }

  void beginCapture(long stream, String doing) {
    call(
        HipFunction.BEGIN_CAPTURE,
        doing,
        () -> (int) bound(HipFunction.BEGIN_CAPTURE).invokeExact(stream, THREAD_LOCAL.value()));
  }

  long endCapture(long stream, String doing) {
    return result(
        HipFunction.END_CAPTURE,
        doing,
        to -> (int) bound(HipFunction.END_CAPTURE).invokeExact(stream, to));
  }

  /** Ends a capture of which nothing is wanted any more. */
  void abandonCapture(long stream) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment graph = arena.allocate(JAVA_LONG);
      code(() -> (int) bound(HipFunction.END_CAPTURE).invokeExact(stream, graph));
    }
  }

  /** A graph that can be launched, of one that was captured. */
  long instantiate(long graph, String doing) {
    return result(
        HipFunction.GRAPH_INSTANTIATE,
        doing,
        to -> (int) bound(HipFunction.GRAPH_INSTANTIATE).invokeExact(to, graph, 0L));
  }

  void launch(long executable, long stream, String doing) {
    call(
        HipFunction.GRAPH_LAUNCH,
        doing,
        () -> (int) bound(HipFunction.GRAPH_LAUNCH).invokeExact(executable, stream));
  }

  void destroyGraph(long graph) {
    code(() -> (int) bound(HipFunction.GRAPH_DESTROY).invokeExact(graph));
  }

  void destroyExecutable(long executable) {
    code(() -> (int) bound(HipFunction.EXECUTABLE_DESTROY).invokeExact(executable));
  }

  // ---- events ----

  long newEvent() {
    return result(
        HipFunction.EVENT_CREATE,
        "making an event",
        to -> (int) bound(HipFunction.EVENT_CREATE).invokeExact(to, TIMED.value()));
  }

  void destroyEvent(long event) {
    code(() -> (int) bound(HipFunction.EVENT_DESTROY).invokeExact(event));
  }

  void record(long event, long stream) {
    call(
        HipFunction.EVENT_RECORD,
        "timing",
        () -> (int) bound(HipFunction.EVENT_RECORD).invokeExact(event, stream));
  }

  void await(long event, String doing) {
    call(
        HipFunction.EVENT_SYNCHRONIZE,
        doing,
        () -> (int) bound(HipFunction.EVENT_SYNCHRONIZE).invokeExact(event));
  }

  boolean isReached(long event) {
    int code = code(() -> (int) bound(HipFunction.EVENT_QUERY).invokeExact(event));
    if (code != NOT_READY.value()) {
      check(HipFunction.EVENT_QUERY, code, "timing");
    }
    return code == 0;
  }

  float milliseconds(long from, long to) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment elapsed = arena.allocate(JAVA_FLOAT);
      call(
          HipFunction.EVENT_ELAPSED,
          "timing",
          () -> (int) bound(HipFunction.EVENT_ELAPSED).invokeExact(elapsed, from, to));
      return elapsed.get(JAVA_FLOAT, 0);
    }
  }

  // ---- modules ----

  /** Writes the module; the result code says whether the image was taken. */
  int load(MemorySegment module, MemorySegment image) {
    return code(() -> (int) bound(HipFunction.MODULE_LOAD).invokeExact(module, image));
  }

  void unload(long module) {
    code(() -> (int) bound(HipFunction.MODULE_UNLOAD).invokeExact(module));
  }

  long function(long module, String name, String doing) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(name);
      return result(
          HipFunction.MODULE_FUNCTION,
          doing,
          to -> (int) bound(HipFunction.MODULE_FUNCTION).invokeExact(to, module, text));
    }
  }

  void launch(
      long function,
      Grid grid,
      int sharedBytes,
      long stream,
      MemorySegment parameters,
      String doing) {
    MemorySegment none = MemorySegment.NULL;
    call(
        HipFunction.MODULE_LAUNCH,
        doing,
        () ->
            (int)
                bound(HipFunction.MODULE_LAUNCH)
                    .invokeExact(
                        function,
                        Math.toIntExact(grid.x()),
                        Math.toIntExact(grid.y()),
                        Math.toIntExact(grid.z()),
                        grid.width(),
                        grid.height(),
                        1,
                        sharedBytes,
                        stream,
                        parameters,
                        none));
  }
}
