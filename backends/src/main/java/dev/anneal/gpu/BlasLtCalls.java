package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.Objects.requireNonNull;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * The functions of cuBLASLt or hipBLASLt, bound, with a handle of the library's: what they create
 * lives until this is closed, and what they refuse is a {@link Failure} that says why.
 */
final class BlasLtCalls implements AutoCloseable {
  private final SharedLibrary library;
  private final BlasLtHeader header;
  private final IntFunction<String> statusText;
  private final Map<BlasLtFunction, MethodHandle> functions = new EnumMap<>(BlasLtFunction.class);
  private final Arena arena = Arena.ofShared();
  private final MemorySegment handle;
  private final Optional<MethodHandle> check;
  private final MemorySegment zero = arena.allocateFrom(JAVA_FLOAT, 0f);
  private final MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);

  /**
   * @param statusText what the library says to a result code
   * @throws Failure when the library lacks a function, or does not start on this device
   */
  BlasLtCalls(SharedLibrary library, BlasLtHeader header, IntFunction<String> statusText) {
    this.library = library;
    this.header = header;
    this.statusText = statusText;
    try {
      for (BlasLtFunction function : BlasLtFunction.values()) {
        functions.put(function, library.function(function.of(header.prefix())));
      }
      check = header.check().map(library::function);
      MemorySegment to = arena.allocate(ADDRESS);
      check(BlasLtFunction.CREATE, (int) bound(BlasLtFunction.CREATE).invokeExact(to));
      handle = to.get(ADDRESS, 0);
    } catch (Throwable e) {
      arena.close();
      throw SharedLibrary.rethrown(e);
    }
  }

  /** What descriptors and scalars of all products live in. */
  Arena arena() {
    return arena;
  }

  MemorySegment handle() {
    return handle;
  }

  /** The factor 0, as long as this is open. */
  MemorySegment zero() {
    return zero;
  }

  /** The factor 1. */
  MemorySegment one() {
    return one;
  }

  /** Whether an algorithm of another process does a product, where there is such a function. */
  Optional<MethodHandle> check() {
    return check;
  }

  MethodHandle bound(BlasLtFunction function) {
    return requireNonNull(functions.get(function));
  }

  /** A result code in words. */
  String says(int code) {
    return statusText.apply(code);
  }

  /**
   * Nothing when {@code code} is success.
   *
   * @throws Failure with exit code 3
   */
  void check(BlasLtFunction function, int code) {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND,
          function.of(header.prefix()).name() + " of " + library.path() + " says " + says(code));
    }
  }

  MemorySegment newProduct(HeaderConstant compute, HeaderConstant scale) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    check(
        BlasLtFunction.MATMUL_DESC_CREATE,
        (int)
            bound(BlasLtFunction.MATMUL_DESC_CREATE)
                .invokeExact(to, compute.value(), scale.value()));
    return to.get(ADDRESS, 0);
  }

  MemorySegment newLayout(HeaderConstant type, int rows, int columns) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    check(
        BlasLtFunction.MATRIX_LAYOUT_CREATE,
        (int)
            bound(BlasLtFunction.MATRIX_LAYOUT_CREATE)
                .invokeExact(to, type.value(), (long) rows, (long) columns, (long) rows));
    return to.get(ADDRESS, 0);
  }

  MemorySegment newPreference() throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    check(
        BlasLtFunction.PREFERENCE_CREATE,
        (int) bound(BlasLtFunction.PREFERENCE_CREATE).invokeExact(to));
    return to.get(ADDRESS, 0);
  }

  /** Destroys something; what the library says to that is of no use to anyone. */
  void destroy(BlasLtFunction how, MemorySegment what) throws Throwable {
    int ignored = (int) bound(how).invokeExact(what);
  }

  void setWorkspace(MemorySegment preference, long bytes) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      prefer(preference, header.workspaceBytes(), local.allocateFrom(JAVA_LONG, bytes));
    }
  }

  /** What the addresses of A, B, C and D are multiples of, where the library wants to be told. */
  void setAlignments(MemorySegment preference, List<Long> bytes) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      for (int i = 0; i < header.alignments().size(); i++) {
        MemorySegment value = local.allocateFrom(JAVA_INT, Math.toIntExact(bytes.get(i)));
        prefer(preference, header.alignments().get(i), value);
      }
    }
  }

  private void prefer(MemorySegment preference, HeaderConstant attribute, MemorySegment value)
      throws Throwable {
    check(
        BlasLtFunction.PREFERENCE_SET_ATTRIBUTE,
        (int)
            bound(BlasLtFunction.PREFERENCE_SET_ATTRIBUTE)
                .invokeExact(preference, attribute.value(), value, value.byteSize()));
  }

  /** Sets an attribute of 4 bytes to one of the header's own values. */
  void set(MemorySegment product, HeaderConstant attribute, HeaderConstant value) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      set(product, attribute, local.allocateFrom(JAVA_INT, value.value()));
    }
  }

  /** Sets an attribute of one byte. */
  void set(MemorySegment product, HeaderConstant attribute, boolean value) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      set(product, attribute, local.allocateFrom(JAVA_BYTE, (byte) (value ? 1 : 0)));
    }
  }

  /** Sets an attribute of 8 bytes: an address, or a number of elements. */
  void set(MemorySegment product, HeaderConstant attribute, long value) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      set(product, attribute, local.allocateFrom(JAVA_LONG, value));
    }
  }

  private void set(MemorySegment product, HeaderConstant attribute, MemorySegment value)
      throws Throwable {
    check(
        BlasLtFunction.MATMUL_DESC_SET_ATTRIBUTE,
        (int)
            bound(BlasLtFunction.MATMUL_DESC_SET_ATTRIBUTE)
                .invokeExact(product, attribute.value(), value, value.byteSize()));
  }

  /** Descriptors go with the process; they are a few hundred bytes each. */
  @Override
  public void close() {
    try {
      destroy(BlasLtFunction.DESTROY, handle);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    } finally {
      arena.close();
    }
  }
}
