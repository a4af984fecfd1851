package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.Command.Epilogue;
import dev.anneal.gpu.Command.Product;
import dev.anneal.gpu.MatrixLibrary;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * NVIDIA's cuBLASLt, versions 12 and 13, in fp32, TF32, bf16 and fp8: one set of descriptors and
 * one algorithm per place where a product is used, so that running it is one call.
 *
 * <p>Constants: cublasLt.h of CUDA 12 and 13, which agree in all that is used here.
 */
final class CublasLt implements MatrixLibrary {
  private static final int COMPUTE_32F = 68;
  private static final int COMPUTE_32F_FAST_TF32 = 77;
  private static final int R_32F = 0;
  private static final int R_16BF = 14;
  private static final int R_8F_E4M3 = 28;
  private static final int R_8F_E5M2 = 29;
  private static final int OP_T = 1;

  private static final int DESC_TRANSA = 3;
  private static final int DESC_TRANSB = 4;
  private static final int DESC_EPILOGUE = 7;
  private static final int DESC_BIAS_POINTER = 8;
  private static final int DESC_EPILOGUE_AUX_POINTER = 11;
  private static final int DESC_EPILOGUE_AUX_LD = 12;
  private static final int DESC_A_SCALE_POINTER = 17;
  private static final int DESC_B_SCALE_POINTER = 18;
  private static final int DESC_EPILOGUE_AUX_DATA_TYPE = 22;
  private static final int DESC_FAST_ACCUM = 25;
  private static final int DESC_BIAS_DATA_TYPE = 26;
  private static final int EPILOGUE_BIAS = 4;
  private static final int EPILOGUE_GELU_AUX_BIAS = 164;
  private static final int EPILOGUE_DGELU = 192;
  private static final int EPILOGUE_BGRADB = 512;
  private static final int PREF_MAX_WORKSPACE_BYTES = 1;

  private static final long ALGORITHM_BYTES = 64;

  /** The algorithm, then the workspace it needs, a status and more. */
  private static final long HEURISTIC_BYTES = 96;

  private static final long HEURISTIC_STATE = 72;

  /** Of addresses that are not known yet. */
  private static final long ALIGNMENT = 256;

  /**
   * Compute capabilities on which GELU within a product is faster than after it: on Ampere and Ada,
   * and on the small Blackwells, the library has no such kernel for bf16 and runs a slower way.
   * Source: llm.c's measurements, pull requests 338, 591 and 653.
   */
  private static final int FIRST_WITH_GELU = 90;

  private static final int LAST_WITH_GELU = 119;

  private final SharedLibrary library;
  private final CudaStream stream;
  private final int capability;

  /** What descriptors and scalars of all products live in. */
  private final Arena arena = Arena.ofShared();

  private final MemorySegment handle;
  private final MemorySegment zero = arena.allocateFrom(JAVA_FLOAT, 0f);
  private final MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);
  private final MethodHandle matmul;
  private final long version;
  private final Map<Product, Boolean> does = new HashMap<>();

  /**
   * @param capability of the device, e.g. 90 for 9.0
   */
  CublasLt(SharedLibrary library, CudaStream stream, int capability) {
    this.library = library;
    this.stream = stream;
    this.capability = capability;
    this.matmul =
        library.function(
            "cublasLtMatmul",
            FunctionDescriptor.of(
                JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS,
                ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG,
                JAVA_LONG));
    try {
      this.version =
          (long)
              library
                  .function("cublasLtGetVersion", FunctionDescriptor.of(JAVA_LONG))
                  .invokeExact();
      this.handle = create("cublasLtCreate");
    } catch (Throwable e) {
      arena.close();
      throw SharedLibrary.rethrown(e);
    }
  }

  @Override
  public String name() {
    return "cuBLASLt " + version / 10000 + "." + version % 10000 / 100;
  }

  @Override
  public PreparedCommand prepare(Product product) {
    try {
      return prepared(product);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** What a product is told beside addresses, and how it is done. */
  private record Description(
      MemorySegment operation,
      MemorySegment a,
      MemorySegment b,
      MemorySegment d,
      Optional<MemorySegment> algorithm) {}

  private Description described(Product p) throws Throwable {
    boolean tf32 =
        p.formats().a() == DType.F32 && p.formats().multiplication() == Multiplication.TF32;
    MemorySegment operation =
        create("cublasLtMatmulDescCreate", tf32 ? COMPUTE_32F_FAST_TF32 : COMPUTE_32F, R_32F);
    set(operation, DESC_TRANSA, p.transposeA() ? OP_T : 0);
    set(operation, DESC_TRANSB, p.transposeB() ? OP_T : 0);
    int dType = type(p.formats().d());
    switch (p.epilogue()) {
      case NONE -> {}
      case BIAS -> biased(operation, EPILOGUE_BIAS, p);
      case BIAS_THEN_GELU -> {
        biased(operation, EPILOGUE_GELU_AUX_BIAS, p);
        auxiliary(operation, p);
      }
      case GELU_GRADIENT -> {
        set(operation, DESC_EPILOGUE, EPILOGUE_DGELU);
        auxiliary(operation, p);
      }
      case BIAS_GRADIENT -> biased(operation, EPILOGUE_BGRADB, p);
    }
    if (p.scales().isPresent()) {
      set(operation, DESC_A_SCALE_POINTER, p.scales().get().a());
      set(operation, DESC_B_SCALE_POINTER, p.scales().get().b());
      set(operation, DESC_FAST_ACCUM, (byte) (p.scales().get().fast() ? 1 : 0));
    }
    int aType = type(p.formats().a());
    int bType = type(p.formats().b());
    MemorySegment a = p.transposeA() ? layout(aType, p.k(), p.m()) : layout(aType, p.m(), p.k());
    MemorySegment b = p.transposeB() ? layout(bType, p.n(), p.k()) : layout(bType, p.k(), p.n());
    MemorySegment d = layout(dType, p.m(), p.n());
    return new Description(operation, a, b, d, algorithm(operation, a, b, d, p));
  }

  private void biased(MemorySegment operation, int epilogue, Product p) throws Throwable {
    set(operation, DESC_EPILOGUE, epilogue);
    set(operation, DESC_BIAS_POINTER, p.bias());
    set(operation, DESC_BIAS_DATA_TYPE, type(p.formats().d()));
  }

  private void auxiliary(MemorySegment operation, Product p) throws Throwable {
    set(operation, DESC_EPILOGUE_AUX_POINTER, p.auxiliary());
    set(operation, DESC_EPILOGUE_AUX_LD, (long) p.m());
    set(operation, DESC_EPILOGUE_AUX_DATA_TYPE, type(p.formats().d()));
  }

  @Override
  public boolean does(Product product) {
    boolean gelu =
        product.epilogue() == Epilogue.BIAS_THEN_GELU
            || product.epilogue() == Epilogue.GELU_GRADIENT;
    if (gelu && (capability < FIRST_WITH_GELU || capability > LAST_WITH_GELU)) {
      return false;
    }
    // The same wherever its matrices lie; a bias may be wanted, but not be looked at.
    Product anywhere = product.anywhere(ALIGNMENT);
    return does.computeIfAbsent(
        anywhere,
        p -> {
          try {
            return described(p).algorithm().isPresent();
          } catch (Throwable e) {
            throw SharedLibrary.rethrown(e);
          }
        });
  }

  private PreparedCommand prepared(Product p) throws Throwable {
    Description description = described(p);
    MemorySegment operation = description.operation();
    MemorySegment a = description.a();
    MemorySegment b = description.b();
    MemorySegment d = description.d();
    MemorySegment algorithm =
        description
            .algorithm()
            .orElseThrow(
                () ->
                    new Failure(
                        ExitCode.FAILED,
                        name()
                            + " has no algorithm for a product of ("
                            + p.m()
                            + ", "
                            + p.k()
                            + ") and ("
                            + p.k()
                            + ", "
                            + p.n()
                            + "); choose --kernel matmul_forward=4 and the like"));
    MemorySegment beta = p.accumulate() ? one : zero;
    String doing = "multiplying matrices by " + name();
    return () -> {
      try {
        int code =
            (int)
                matmul.invokeExact(
                    handle,
                    operation,
                    one,
                    p.a(),
                    a,
                    p.b(),
                    b,
                    beta,
                    p.d(),
                    d,
                    p.d(),
                    d,
                    algorithm,
                    p.workspace(),
                    p.workspaceBytes(),
                    stream.handle());
        if (code != 0) {
          throw new Failure(ExitCode.BACKEND, doing + ": status " + code);
        }
      } catch (Throwable e) {
        throw SharedLibrary.rethrown(e);
      }
    };
  }

  /** The library's own choice; nothing where it has none. */
  private Optional<MemorySegment> algorithm(
      MemorySegment operation, MemorySegment a, MemorySegment b, MemorySegment d, Product p)
      throws Throwable {
    MemorySegment preference = create("cublasLtMatmulPreferenceCreate");
    try (Arena local = Arena.ofConfined()) {
      MemorySegment bytes = local.allocateFrom(JAVA_LONG, p.workspaceBytes());
      call(
          "cublasLtMatmulPreferenceSetAttribute",
          (int)
              library
                  .function(
                      "cublasLtMatmulPreferenceSetAttribute",
                      FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG))
                  .invokeExact(preference, PREF_MAX_WORKSPACE_BYTES, bytes, 8L));
      MemorySegment result = local.allocate(HEURISTIC_BYTES, 8);
      MemorySegment found = local.allocate(JAVA_INT);
      int code =
          (int)
              library
                  .function(
                      "cublasLtMatmulAlgoGetHeuristic",
                      FunctionDescriptor.of(
                          JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS,
                          JAVA_INT, ADDRESS, ADDRESS))
                  .invokeExact(handle, operation, a, b, d, d, preference, 1, result, found);
      return code != 0 || found.get(JAVA_INT, 0) == 0 || result.get(JAVA_INT, HEURISTIC_STATE) != 0
          ? Optional.empty()
          : Optional.of(
              arena.allocate(ALGORITHM_BYTES, 8).copyFrom(result.asSlice(0, ALGORITHM_BYTES)));
    } finally {
      call(
          "cublasLtMatmulPreferenceDestroy",
          destroy("cublasLtMatmulPreferenceDestroy", preference));
    }
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F32 -> R_32F;
      case BF16 -> R_16BF;
      case F8E4M3 -> R_8F_E4M3;
      case F8E5M2 -> R_8F_E5M2;
      case F16, I32 -> throw new IllegalArgumentException("no product is in " + dtype);
    };
  }

  private MemorySegment layout(int type, int rows, int columns) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    call(
        "cublasLtMatrixLayoutCreate",
        (int)
            library
                .function(
                    "cublasLtMatrixLayoutCreate",
                    FunctionDescriptor.of(
                        JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG))
                .invokeExact(to, type, (long) rows, (long) columns, (long) rows));
    return to.get(ADDRESS, 0);
  }

  private void set(MemorySegment operation, int attribute, byte value) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      set(operation, attribute, local.allocateFrom(JAVA_BYTE, value));
    }
  }

  private void set(MemorySegment operation, int attribute, int value) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      set(operation, attribute, local.allocateFrom(JAVA_INT, value));
    }
  }

  private void set(MemorySegment operation, int attribute, long value) throws Throwable {
    try (Arena local = Arena.ofConfined()) {
      set(operation, attribute, local.allocateFrom(JAVA_LONG, value));
    }
  }

  private void set(MemorySegment operation, int attribute, MemorySegment value) throws Throwable {
    call(
        "cublasLtMatmulDescSetAttribute",
        (int)
            library
                .function(
                    "cublasLtMatmulDescSetAttribute",
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG))
                .invokeExact(operation, attribute, value, value.byteSize()));
  }

  /** What a function writes to its first parameter. */
  private MemorySegment create(String function) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    call(
        function,
        (int) library.function(function, FunctionDescriptor.of(JAVA_INT, ADDRESS)).invokeExact(to));
    return to.get(ADDRESS, 0);
  }

  private MemorySegment create(String function, int first, int second) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    MemoryLayout[] parameters = {ADDRESS, JAVA_INT, JAVA_INT};
    call(
        function,
        (int)
            library
                .function(function, FunctionDescriptor.of(JAVA_INT, parameters))
                .invokeExact(to, first, second));
    return to.get(ADDRESS, 0);
  }

  private int destroy(String function, MemorySegment what) throws Throwable {
    return (int)
        library.function(function, FunctionDescriptor.of(JAVA_INT, ADDRESS)).invokeExact(what);
  }

  private void call(String function, int code) {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND,
          function + " of " + library.path() + " says " + code + "; is it the driver's age?");
    }
  }

  /** Descriptors go with the process; they are a few hundred bytes each. */
  @Override
  public void close() {
    try {
      destroy("cublasLtDestroy", handle);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    } finally {
      arena.close();
    }
  }
}
