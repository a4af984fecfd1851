package dev.anneal.hip;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.BlasLt;
import dev.anneal.gpu.BlasLtFunction;
import dev.anneal.gpu.BlasLtHeader;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.MatrixLibrary;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.gpu.ProductTrials;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.launch.Product;
import dev.anneal.plan.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * AMD's hipBLASLt. It has kernels for some architectures only, and starts on the others or not; own
 * kernels do what it does not.
 */
final class HipBlasLt {
  private static final String TITLE = "hipBLASLt";

  /**
   * From hipblaslt.h of ROCm 6.1 to 7.2, hipblas-common.h and hip/library_types.h. TF32 is of one
   * architecture alone, so fp32 stands for it.
   */
  private static final BlasLtHeader HEADER =
      new BlasLtHeader(
          "hipblasLt",
          new BlasLtHeader.Compute(
              constant("HIPBLAS_COMPUTE_32F", 2), constant("HIPBLAS_COMPUTE_32F", 2)),
          new BlasLtHeader.Operation(constant("HIPBLAS_OP_N", 111), constant("HIPBLAS_OP_T", 112)),
          new BlasLtHeader.Attributes(
              constant("HIPBLASLT_MATMUL_DESC_TRANSA", 0),
              constant("HIPBLASLT_MATMUL_DESC_TRANSB", 1),
              constant("HIPBLASLT_MATMUL_DESC_EPILOGUE", 2),
              constant("HIPBLASLT_MATMUL_DESC_BIAS_POINTER", 3),
              constant("HIPBLASLT_MATMUL_DESC_BIAS_DATA_TYPE", 4),
              constant("HIPBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER", 10),
              constant("HIPBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD", 11),
              constant("HIPBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE", 22),
              constant("HIPBLASLT_MATMUL_DESC_A_SCALE_POINTER", 5),
              constant("HIPBLASLT_MATMUL_DESC_B_SCALE_POINTER", 6),
              Optional.empty()),
          new BlasLtHeader.Epilogues(
              constant("HIPBLASLT_EPILOGUE_BIAS", 4),
              constant("HIPBLASLT_EPILOGUE_GELU_AUX_BIAS", 164),
              constant("HIPBLASLT_EPILOGUE_DGELU", 192),
              constant("HIPBLASLT_EPILOGUE_BGRADB", 512)),
          Map.of(
              DType.F32, constant("HIP_R_32F", 0),
              DType.BF16, constant("HIP_R_16BF", 14),
              DType.F8E4M3, constant("HIP_R_8F_E4M3", 28),
              DType.F8E5M2, constant("HIP_R_8F_E5M2", 29),
              DType.F8E4M3FNUZ, constant("HIP_R_8F_E4M3_FNUZ", 1000),
              DType.F8E5M2FNUZ, constant("HIP_R_8F_E5M2_FNUZ", 1001)),
          constant("HIPBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES", 1),
          List.of(),
          24,
          // The index, as hipblaslt_ext::getIndexFromAlgo reads it; what follows may be padding.
          4,
          Optional.empty());

  /** The library has no function that names its result codes. */
  private static final List<HeaderConstant> STATUSES =
      List.of(
          constant("HIPBLAS_STATUS_NOT_INITIALIZED", 1),
          constant("HIPBLAS_STATUS_ALLOC_FAILED", 2),
          constant("HIPBLAS_STATUS_INVALID_VALUE", 3),
          constant("HIPBLAS_STATUS_MAPPING_ERROR", 4),
          constant("HIPBLAS_STATUS_EXECUTION_FAILED", 5),
          constant("HIPBLAS_STATUS_INTERNAL_ERROR", 6),
          constant("HIPBLAS_STATUS_NOT_SUPPORTED", 7),
          constant("HIPBLAS_STATUS_ARCH_MISMATCH", 8));

  private static final CFunction CREATE = BlasLtFunction.CREATE.of("hipblasLt");
  private static final CFunction DESTROY = BlasLtFunction.DESTROY.of("hipblasLt");
  private static final CFunction VERSION =
      CFunction.status("hipblasLtGetVersion", ADDRESS, ADDRESS);

  /** ROCm 6.1's, 0.7: before, it had numbers of its own for formats. */
  private static final int FIRST = 700;

  /** ROCm 7's, 1.0. */
  private static final int FIRST_WITH_GELU = 100_000;

  private static final String WITH_GELU = "gfx942";

  private HipBlasLt() {}

  /** The library, or one that does nothing and says why when it does not start on the device. */
  static MatrixLibrary open(
      SharedLibrary library, long stream, Architecture architecture, ProductTrials trials) {
    try {
      int version = version(library);
      String number = version / 100_000 + "." + version / 100 % 1000 + "." + version % 100;
      if (version < FIRST) {
        return new Refused(TITLE + " " + number + " is older than ROCm 6.1's, 0.7");
      }
      boolean gelu = version >= FIRST_WITH_GELU && fusesGelu(architecture);
      return new BlasLt(
          library,
          HEADER,
          new BlasLt.Name(TITLE, number, number),
          HipBlasLt::says,
          stream,
          gelu,
          Optional.of(trials));
    } catch (Failure e) {
      return new Refused(e.getMessage());
    }
  }

  /** With ROCm 7's. */
  static boolean fusesGelu(Architecture architecture) {
    return architecture.name().equals(WITH_GELU);
  }

  private static HeaderConstant constant(String name, int value) {
    return new HeaderConstant(name, value);
  }

  private static String says(int code) {
    return STATUSES.stream()
        .filter(status -> status.value() == code)
        .findFirst()
        .map(status -> status.name() + " (status " + code + ")")
        .orElse("status " + code);
  }

  /** 100 000 for 1.0.0, which it says to a handle alone. */
  private static int version(SharedLibrary library) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ADDRESS);
      MemorySegment version = arena.allocate(JAVA_INT);
      int code = (int) library.function(CREATE).invokeExact(handle);
      if (code == 0) {
        MemorySegment it = handle.get(ADDRESS, 0);
        code = (int) library.function(VERSION).invokeExact(it, version);
        code |= (int) library.function(DESTROY).invokeExact(it);
      }
      if (code != 0) {
        throw new Failure(ExitCode.BACKEND, library.path() + " does not start here: " + says(code));
      }
      return version.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** In place of one that cannot be used. */
  private record Refused(String reason) implements MatrixLibrary {
    @Override
    public String name() {
      return TITLE;
    }

    @Override
    public boolean does(Product product) {
      return false;
    }

    @Override
    public Optional<String> refusal() {
      return Optional.of(reason + ", so own kernels multiply matrices");
    }

    @Override
    public PreparedCommand prepare(Product product) {
      throw new IllegalStateException(reason);
    }

    @Override
    public void close() {}
  }
}
