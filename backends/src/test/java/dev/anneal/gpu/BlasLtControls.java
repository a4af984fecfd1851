package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** What tests can do to the doubles of cuBLASLt and hipBLASLt and nobody can to the real ones. */
public enum BlasLtControls {
  CUBLAS("libcublasLt.so.13", 130000),
  HIPBLAS("libhipblaslt.so.1", 100001);

  /** The double's algorithms, in its order. */
  public enum Algorithm {
    FIRST,
    BACKWARD,
    FAILS,
    GREEDY,
    OTHER_BITS,
    HALVES,
    QUARTERS;

    /** As it is told from others where several were asked for: the double's own number, counted. */
    public boolean is(String code) {
      return code.startsWith("0" + ordinal() + "010000");
    }
  }

  private final String soname;
  private final int version;

  BlasLtControls(String soname, int version) {
    this.soname = soname;
    this.version = version;
  }

  private MethodHandle function(String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker()
        .downcallHandle(
            SymbolLookup.libraryLookup(soname, Arena.global()).findOrThrow(name), descriptor);
  }

  /** It has these algorithms alone. */
  public void offer(Algorithm... algorithms) throws Throwable {
    int mask = 0;
    for (Algorithm algorithm : algorithms) {
      mask |= 1 << algorithm.ordinal();
    }
    function("anneal_double_blaslt_offer", FunctionDescriptor.ofVoid(JAVA_INT)).invokeExact(mask);
  }

  /** How often it was told to multiply. */
  public int products() throws Throwable {
    return (int)
        function("anneal_double_blaslt_products", FunctionDescriptor.of(JAVA_INT)).invokeExact();
  }

  /** Who asks for its version from now on hears the next, or the usual one again. */
  public void isNewer(boolean newer) throws Throwable {
    function("anneal_double_blaslt_version", FunctionDescriptor.ofVoid(JAVA_INT))
        .invokeExact(version + (newer ? 1 : 0));
  }

  /** As it is at first. */
  public void reset() throws Throwable {
    offer(Algorithm.values());
    isNewer(false);
  }
}
