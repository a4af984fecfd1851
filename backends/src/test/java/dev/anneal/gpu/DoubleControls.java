package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** What tests can do to the double and nobody can to a real driver. */
public enum DoubleControls {
  CUDA("libcuda.so.1"),
  HIP("libamdhip64.so.7");

  private static final int CALLED = 1 << 14;

  private final String soname;

  DoubleControls(String soname) {
    this.soname = soname;
  }

  private MethodHandle function(String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker()
        .downcallHandle(
            SymbolLookup.libraryLookup(soname, Arena.global()).findOrThrow(name), descriptor);
  }

  /** All that follows fails with {@code code}; 0 has the device back. */
  public void lose(int code) throws Throwable {
    function("anneal_double_lose", FunctionDescriptor.ofVoid(JAVA_INT)).invokeExact(code);
  }

  /**
   * From its call number {@code after} on, 0 being the next, a function fails with {@code code}.
   */
  public void fail(String name, int code, int after) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      function("anneal_double_inject", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, JAVA_INT))
          .invokeExact(arena.allocateFrom(name), code, after);
    }
  }

  /** How often a function failed because of {@link #fail}. */
  public int failures() throws Throwable {
    return (int)
        function("anneal_double_injections", FunctionDescriptor.of(JAVA_INT)).invokeExact();
  }

  /** The functions of all doubles that were called since this was asked the last time. */
  public List<String> called() throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment names = arena.allocate(CALLED);
      function("anneal_double_called", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT))
          .invokeExact(names, CALLED);
      return names.getString(0).lines().toList();
    }
  }

  /** The device has so much memory. */
  public void capacity(long bytes) throws Throwable {
    function("anneal_double_capacity", FunctionDescriptor.ofVoid(JAVA_LONG)).invokeExact(bytes);
  }

  /** From now on launches are written down in {@code path}, with all memory before each. */
  public void record(String path) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = path.isEmpty() ? MemorySegment.NULL : arena.allocateFrom(path);
      function("anneal_double_record", FunctionDescriptor.ofVoid(ADDRESS)).invokeExact(text);
    }
  }

  /** How often the driver was asked for anything that a step may ask for. */
  public long calls() throws Throwable {
    return (long) function("anneal_double_calls", FunctionDescriptor.of(JAVA_LONG)).invokeExact();
  }

  /** Bytes that are allocated now. */
  public long allocated() throws Throwable {
    return (long)
        function("anneal_double_allocated", FunctionDescriptor.of(JAVA_LONG)).invokeExact();
  }

  /** Takes back what is allocated still. */
  public void reclaim() throws Throwable {
    function("anneal_double_reclaim", FunctionDescriptor.ofVoid()).invokeExact();
  }
}
