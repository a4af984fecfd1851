package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.gpu.BlasLt;
import dev.anneal.gpu.BlasLtHeader;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.ProductTrials;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.plan.DType;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** NVIDIA's cuBLASLt. */
final class CublasLt {
  /** From cublasLt.h of CUDA 12 and 13, which agree in all that is used here. */
  private static final BlasLtHeader HEADER =
      new BlasLtHeader(
          "cublasLt",
          new BlasLtHeader.Compute(
              constant("CUBLAS_COMPUTE_32F", 68), constant("CUBLAS_COMPUTE_32F_FAST_TF32", 77)),
          new BlasLtHeader.Operation(constant("CUBLAS_OP_N", 0), constant("CUBLAS_OP_T", 1)),
          new BlasLtHeader.Attributes(
              constant("CUBLASLT_MATMUL_DESC_TRANSA", 3),
              constant("CUBLASLT_MATMUL_DESC_TRANSB", 4),
              constant("CUBLASLT_MATMUL_DESC_EPILOGUE", 7),
              constant("CUBLASLT_MATMUL_DESC_BIAS_POINTER", 8),
              constant("CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE", 26),
              constant("CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER", 11),
              constant("CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD", 12),
              constant("CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE", 22),
              constant("CUBLASLT_MATMUL_DESC_A_SCALE_POINTER", 17),
              constant("CUBLASLT_MATMUL_DESC_B_SCALE_POINTER", 18),
              Optional.of(constant("CUBLASLT_MATMUL_DESC_FAST_ACCUM", 25))),
          new BlasLtHeader.Epilogues(
              constant("CUBLASLT_EPILOGUE_BIAS", 4),
              constant("CUBLASLT_EPILOGUE_GELU_AUX_BIAS", 164),
              constant("CUBLASLT_EPILOGUE_DGELU", 192),
              constant("CUBLASLT_EPILOGUE_BGRADB", 512)),
          Map.of(
              DType.F32, constant("CUDA_R_32F", 0),
              DType.BF16, constant("CUDA_R_16BF", 14),
              DType.F8E4M3, constant("CUDA_R_8F_E4M3", 28),
              DType.F8E5M2, constant("CUDA_R_8F_E5M2", 29)),
          constant("CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES", 1),
          List.of(
              constant("CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES", 5),
              constant("CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES", 6),
              constant("CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES", 7),
              constant("CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES", 8)),
          64,
          64,
          Optional.of(
              CFunction.status(
                  "cublasLtMatmulAlgoCheck",
                  ADDRESS,
                  ADDRESS,
                  ADDRESS,
                  ADDRESS,
                  ADDRESS,
                  ADDRESS,
                  ADDRESS,
                  ADDRESS)));

  static final CFunction VERSION =
      new CFunction("cublasLtGetVersion", FunctionDescriptor.of(JAVA_LONG));
  private static final CFunction STATUS_TEXT =
      new CFunction("cublasLtGetStatusString", FunctionDescriptor.of(ADDRESS, JAVA_INT));

  /** What a text of the library may have at most. */
  private static final long TEXT_BYTES = 256;

  /**
   * Compute capabilities on which GELU within a product is faster than after it: on Ampere and Ada,
   * and on the small Blackwells, the library has no such kernel for bf16 and runs a slower way.
   * Source: llm.c's measurements, pull requests 338, 591 and 653.
   */
  private static final int FIRST_WITH_GELU = 90;

  private static final int LAST_WITH_GELU = 119;

  private CublasLt() {}

  private static HeaderConstant constant(String name, int value) {
    return new HeaderConstant(name, value);
  }

  /**
   * @param capability of the device, e.g. 90 for 9.0
   * @param trials of algorithms; the library's first is taken where there are none
   * @throws dev.anneal.failure.Failure when the library does not start on the device
   */
  static BlasLt open(
      SharedLibrary library, CudaStream stream, int capability, Optional<ProductTrials> trials) {
    MethodHandle text = library.function(STATUS_TEXT);
    long version = version(library);
    return new BlasLt(
        library,
        HEADER,
        new BlasLt.Name("cuBLASLt", version / 10000 + "." + version % 10000 / 100, "" + version),
        code -> says(text, code),
        stream.handle(),
        fusesGelu(capability),
        trials);
  }

  static boolean fusesGelu(int capability) {
    return capability >= FIRST_WITH_GELU && capability <= LAST_WITH_GELU;
  }

  private static String says(MethodHandle text, int code) {
    try {
      MemorySegment says = (MemorySegment) text.invokeExact(code);
      return says.equals(MemorySegment.NULL)
          ? "status " + code
          : says.reinterpret(TEXT_BYTES).getString(0) + " (status " + code + ")";
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  private static long version(SharedLibrary library) {
    try {
      return (long) library.function(VERSION).invokeExact();
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }
}
