package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.Objects.requireNonNull;

import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The functions of NVIDIA's cuDNN 9 that its backend API has, and one handle. Everything there is a
 * descriptor of some {@link CudnnKind}: it is created, given attributes, finalised, and never
 * changed again.
 *
 * <p>Source: cudnn_graph.h of cuDNN 9.
 */
final class CudnnLibrary implements AutoCloseable {
  /** What a null terminated text of the library may have at most. */
  private static final long TEXT_BYTES = 4096;

  private static final int MAJOR = 9;

  private final Map<CudnnFunction, MethodHandle> functions = new EnumMap<>(CudnnFunction.class);
  private final MemorySegment handle;
  private final long version;

  /**
   * @param stream that everything runs on
   * @throws CudnnException when the library does not start
   * @throws dev.anneal.failure.Failure when it lacks a function
   */
  CudnnLibrary(SharedLibrary library, CudaStream stream) {
    for (CudnnFunction function : CudnnFunction.values()) {
      functions.put(function, library.function(function.function()));
    }
    try (Arena local = Arena.ofConfined()) {
      version = (long) bound(CudnnFunction.VERSION).invokeExact();
      if (version / 10000 != MAJOR) {
        throw new CudnnException("it says that it is " + name() + ", and " + MAJOR + " is needed");
      }
      MemorySegment to = local.allocate(ADDRESS);
      check("cudnnCreate", (int) bound(CudnnFunction.CREATE).invokeExact(to));
      handle = to.get(ADDRESS, 0);
      check(
          "cudnnSetStream",
          (int) bound(CudnnFunction.SET_STREAM).invokeExact(handle, stream.handle()));
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  private MethodHandle bound(CudnnFunction function) {
    return requireNonNull(functions.get(function));
  }

  /** E.g. 91000 for 9.10.0. */
  long version() {
    return version;
  }

  /** As lists of devices name it. */
  String name() {
    return "cuDNN " + version / 10000 + "." + version % 10000 / 100;
  }

  MemorySegment handle() {
    return handle;
  }

  /** A new descriptor without attributes. */
  MemorySegment create(CudnnKind kind) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment to = local.allocate(ADDRESS);
      check(
          "cudnnBackendCreateDescriptor",
          (int) bound(CudnnFunction.CREATE_DESCRIPTOR).invokeExact(kind.number().value(), to));
      return to.get(ADDRESS, 0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** Gives {@code descriptor} as many elements as {@code values} has. */
  void set(MemorySegment descriptor, CudnnAttribute attribute, MemorySegment values) {
    try {
      check(
          attribute.number().name(),
          (int)
              bound(CudnnFunction.SET_ATTRIBUTE)
                  .invokeExact(
                      descriptor,
                      attribute.number().value(),
                      attribute.type().number().value(),
                      values.byteSize() / attribute.type().bytes(),
                      values));
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  void set(MemorySegment descriptor, CudnnAttribute attribute, long... values) {
    try (Arena local = Arena.ofConfined()) {
      int bytes = attribute.type().bytes();
      MemorySegment segment = local.allocate((long) bytes * values.length, 8);
      for (int i = 0; i < values.length; i++) {
        long at = (long) bytes * i;
        switch (bytes) {
          case 1 -> segment.set(java.lang.foreign.ValueLayout.JAVA_BYTE, at, (byte) values[i]);
          case 4 -> segment.set(JAVA_INT, at, Math.toIntExact(values[i]));
          default -> segment.set(JAVA_LONG, at, values[i]);
        }
      }
      set(descriptor, attribute, segment);
    }
  }

  void set(MemorySegment descriptor, CudnnAttribute attribute, HeaderConstant value) {
    set(descriptor, attribute, value.value());
  }

  void set(MemorySegment descriptor, CudnnAttribute attribute, List<MemorySegment> descriptors) {
    set(descriptor, attribute, descriptors.stream().mapToLong(MemorySegment::address).toArray());
  }

  /** The descriptor is complete; from now on it can be used and not changed. */
  void finish(CudnnKind kind, MemorySegment descriptor) {
    try {
      check(
          "finalising " + kind.number().name(),
          (int) bound(CudnnFunction.FINALIZE).invokeExact(descriptor));
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** How many elements an attribute has. */
  long count(MemorySegment descriptor, CudnnAttribute attribute) {
    try (Arena local = Arena.ofConfined()) {
      return get(descriptor, attribute, 0, local.allocate(JAVA_LONG), MemorySegment.NULL);
    }
  }

  /** The elements of an attribute of numbers, of which there are not more than {@code most}. */
  List<Long> numbers(MemorySegment descriptor, CudnnAttribute attribute, int most) {
    try (Arena local = Arena.ofConfined()) {
      int bytes = attribute.type().bytes();
      MemorySegment to = local.allocate((long) bytes * most, 8);
      long found = get(descriptor, attribute, most, local.allocate(JAVA_LONG), to);
      List<Long> numbers = new ArrayList<>();
      for (long i = 0; i < Math.min(found, most); i++) {
        numbers.add(bytes == 4 ? (long) to.get(JAVA_INT, 4 * i) : to.get(JAVA_LONG, 8 * i));
      }
      return numbers;
    }
  }

  /** Fills {@code into}, which were created for this, as far as there are so many. */
  long fill(MemorySegment descriptor, CudnnAttribute attribute, List<MemorySegment> into) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment to = local.allocate(ADDRESS, Math.max(1, into.size()));
      for (int i = 0; i < into.size(); i++) {
        to.setAtIndex(ADDRESS, i, into.get(i));
      }
      return get(descriptor, attribute, into.size(), local.allocate(JAVA_LONG), to);
    }
  }

  private long get(
      MemorySegment descriptor,
      CudnnAttribute attribute,
      long most,
      MemorySegment count,
      MemorySegment to) {
    try {
      check(
          attribute.number().name(),
          (int)
              bound(CudnnFunction.GET_ATTRIBUTE)
                  .invokeExact(
                      descriptor,
                      attribute.number().value(),
                      attribute.type().number().value(),
                      most,
                      count,
                      to));
      return count.get(JAVA_LONG, 0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** Enqueues a plan on the stream; one call. */
  void execute(MemorySegment plan, MemorySegment pack) {
    try {
      check(
          "cudnnBackendExecute",
          (int) bound(CudnnFunction.EXECUTE).invokeExact(handle, plan, pack));
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** What the library says to that is of no use to anyone. */
  void destroy(MemorySegment descriptor) {
    try {
      int ignored = (int) bound(CudnnFunction.DESTROY_DESCRIPTOR).invokeExact(descriptor);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  private void check(String doing, int status) throws Throwable {
    if (status != 0) {
      MemorySegment text = (MemorySegment) bound(CudnnFunction.ERROR_TEXT).invokeExact(status);
      String says =
          text.equals(MemorySegment.NULL) ? "" : text.reinterpret(TEXT_BYTES).getString(0);
      String last = lastError();
      throw new CudnnException(doing, status, last.isEmpty() ? says : says + ": " + last);
    }
  }

  /** What the library has to say of what went wrong on this thread, in one line. */
  private String lastError() throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment text = local.allocate(TEXT_BYTES);
      bound(CudnnFunction.LAST_ERROR).invokeExact(text, TEXT_BYTES);
      return text.getString(0)
          .lines()
          .map(String::strip)
          .filter(line -> !line.isEmpty())
          .collect(Collectors.joining("; "));
    }
  }

  @Override
  public void close() {
    try {
      int ignored = (int) bound(CudnnFunction.DESTROY).invokeExact(handle);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }
}
