package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.gpu.BlasLt;
import dev.anneal.gpu.BlasLt.Numbers;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.FunctionDescriptor;
import java.util.OptionalInt;

/** NVIDIA's cuBLASLt. */
final class CublasLt {
  /** From cublasLt.h of CUDA 12 and 13, which agree in all that is used here. */
  private static final Numbers NUMBERS =
      new Numbers(
          "cublasLt",
          new Numbers.Compute(68, 77),
          new Numbers.Operation(0, 1),
          new Numbers.Attributes(3, 4, 7, 8, 26, 11, 12, 22, 17, 18, OptionalInt.of(25)),
          64);

  /**
   * Compute capabilities on which GELU within a product is faster than after it: on Ampere and Ada,
   * and on the small Blackwells, the library has no such kernel for bf16 and runs a slower way.
   * Source: llm.c's measurements, pull requests 338, 591 and 653.
   */
  private static final int FIRST_WITH_GELU = 90;

  private static final int LAST_WITH_GELU = 119;

  private CublasLt() {}

  /**
   * @param capability of the device, e.g. 90 for 9.0
   */
  static BlasLt open(SharedLibrary library, CudaStream stream, int capability) {
    boolean gelu = capability >= FIRST_WITH_GELU && capability <= LAST_WITH_GELU;
    return new BlasLt(library, NUMBERS, "cuBLASLt " + version(library), stream.handle(), gelu);
  }

  private static String version(SharedLibrary library) {
    try {
      long version =
          (long)
              library
                  .function("cublasLtGetVersion", FunctionDescriptor.of(JAVA_LONG))
                  .invokeExact();
      return version / 10000 + "." + version % 10000 / 100;
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }
}
