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

/** What tests can do to the double and nobody can to a real driver. */
public enum DoubleControls {
  CUDA("libcuda.so.1"),
  HIP("libamdhip64.so.7");

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
}
