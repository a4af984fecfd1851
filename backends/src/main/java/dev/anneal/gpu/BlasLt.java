package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.Command.Epilogue;
import dev.anneal.gpu.Command.Product;
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
import java.util.OptionalInt;

/**
 * cuBLASLt or hipBLASLt, in fp32, TF32, bf16 and fp8: one set of descriptors and one algorithm per
 * place where a product is used, so that running it is one call. The two have the same functions;
 * {@link Numbers} is what differs.
 */
public final class BlasLt implements MatrixLibrary {
  private static final int R_32F = 0;
  private static final int R_16BF = 14;
  private static final int R_8F_E4M3 = 28;
  private static final int R_8F_E5M2 = 29;

  /** AMD's alone. */
  private static final int R_8F_E4M3_FNUZ = 1000;

  private static final int R_8F_E5M2_FNUZ = 1001;
  private static final int EPILOGUE_BIAS = 4;
  private static final int EPILOGUE_GELU_AUX_BIAS = 164;
  private static final int EPILOGUE_DGELU = 192;
  private static final int EPILOGUE_BGRADB = 512;
  private static final int PREF_MAX_WORKSPACE_BYTES = 1;

  /** Of addresses that are not known yet. */
  private static final long ALIGNMENT = 256;

  /**
   * What one library's header has otherwise than the other's.
   *
   * @param prefix of its functions
   * @param algorithmBytes of the structure that holds an algorithm
   */
  public record Numbers(
      String prefix,
      Compute compute,
      Operation operation,
      Attributes attributes,
      int algorithmBytes) {

    /** In what format fp32 is multiplied; {@code tf32} is as fp32's where it has none. */
    public record Compute(int float32, int tf32) {}

    /** A matrix as it is, or transposed. */
    public record Operation(int none, int transposed) {}

    /**
     * Of a product's descriptor.
     *
     * @param fastSums where sums of fp8 may be of fewer bits and that can be chosen
     */
    public record Attributes(
        int transposeA,
        int transposeB,
        int epilogue,
        int bias,
        int biasType,
        int auxiliary,
        int auxiliaryColumn,
        int auxiliaryType,
        int scaleA,
        int scaleB,
        OptionalInt fastSums) {}
  }

  private final SharedLibrary library;
  private final Numbers numbers;
  private final String name;
  private final long stream;
  private final boolean fusesGelu;

  /** What descriptors and scalars of all products live in. */
  private final Arena arena = Arena.ofShared();

  private final MemorySegment handle;
  private final MemorySegment zero = arena.allocateFrom(JAVA_FLOAT, 0f);
  private final MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);
  private final MethodHandle matmul;
  private Optional<String> refusal = Optional.empty();
  private final Map<Product, Boolean> does = new HashMap<>();

  /**
   * @param name with the version, as lists of devices have it
   * @param stream the driver's handle of it
   * @param fusesGelu whether GELU within a product is no slower on this device than after it
   * @throws Failure when the library does not start on this device
   */
  public BlasLt(
      SharedLibrary library, Numbers numbers, String name, long stream, boolean fusesGelu) {
    this.library = library;
    this.numbers = numbers;
    this.name = name;
    this.stream = stream;
    this.fusesGelu = fusesGelu;
    this.matmul =
        function(
            "Matmul", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS,
            JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    try {
      this.handle = create("Create");
    } catch (Throwable e) {
      arena.close();
      throw SharedLibrary.rethrown(e);
    }
  }

  private MethodHandle function(String what, MemoryLayout... parameters) {
    return library.function(numbers.prefix() + what, FunctionDescriptor.of(JAVA_INT, parameters));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Optional<String> refusal() {
    return refusal;
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
        create(
            "MatmulDescCreate",
            tf32 ? numbers.compute().tf32() : numbers.compute().float32(),
            R_32F);
    Numbers.Attributes attributes = numbers.attributes();
    Numbers.Operation op = numbers.operation();
    set(operation, attributes.transposeA(), p.transposeA() ? op.transposed() : op.none());
    set(operation, attributes.transposeB(), p.transposeB() ? op.transposed() : op.none());
    int dType = type(p.formats().d());
    switch (p.epilogue()) {
      case NONE -> {}
      case BIAS -> biased(operation, EPILOGUE_BIAS, p);
      case BIAS_THEN_GELU -> {
        biased(operation, EPILOGUE_GELU_AUX_BIAS, p);
        auxiliary(operation, p);
      }
      case GELU_GRADIENT -> {
        set(operation, attributes.epilogue(), EPILOGUE_DGELU);
        auxiliary(operation, p);
      }
      case BIAS_GRADIENT -> biased(operation, EPILOGUE_BGRADB, p);
    }
    if (p.scales().isPresent()) {
      set(operation, attributes.scaleA(), p.scales().get().a());
      set(operation, attributes.scaleB(), p.scales().get().b());
      if (attributes.fastSums().isPresent()) {
        byte fast = (byte) (p.scales().get().fast() ? 1 : 0);
        set(operation, attributes.fastSums().getAsInt(), fast);
      }
    }
    int aType = type(p.formats().a());
    int bType = type(p.formats().b());
    MemorySegment a = p.transposeA() ? layout(aType, p.k(), p.m()) : layout(aType, p.m(), p.k());
    MemorySegment b = p.transposeB() ? layout(bType, p.n(), p.k()) : layout(bType, p.k(), p.n());
    MemorySegment d = layout(dType, p.m(), p.n());
    return new Description(operation, a, b, d, algorithm(operation, a, b, d, p));
  }

  private void biased(MemorySegment operation, int epilogue, Product p) throws Throwable {
    Numbers.Attributes attributes = numbers.attributes();
    set(operation, attributes.epilogue(), epilogue);
    set(operation, attributes.bias(), p.bias());
    set(operation, attributes.biasType(), type(p.formats().d()));
  }

  private void auxiliary(MemorySegment operation, Product p) throws Throwable {
    Numbers.Attributes attributes = numbers.attributes();
    set(operation, attributes.auxiliary(), p.auxiliary());
    set(operation, attributes.auxiliaryColumn(), (long) p.m());
    set(operation, attributes.auxiliaryType(), type(p.formats().d()));
  }

  @Override
  public boolean does(Product product) {
    boolean gelu =
        product.epilogue() == Epilogue.BIAS_THEN_GELU
            || product.epilogue() == Epilogue.GELU_GRADIENT;
    if (gelu && !fusesGelu) {
      return false;
    }
    // The same wherever its matrices lie; a bias may be wanted, but not be looked at.
    return does.computeIfAbsent(product.anywhere(ALIGNMENT), this::asked);
  }

  private boolean asked(Product product) {
    try {
      if (described(product).algorithm().isPresent()) {
        return true;
      }
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
    // What follows a product may always be done after it.
    if (product.epilogue() == Epilogue.NONE || product.epilogue() == Epilogue.BIAS) {
      refusal = refusal.or(() -> Optional.of(noAlgorithm(product) + ", so own kernels do it"));
    }
    return false;
  }

  private String noAlgorithm(Product p) {
    return name
        + " has no algorithm for a product of ("
        + p.m()
        + ", "
        + p.k()
        + ") and ("
        + p.k()
        + ", "
        + p.n()
        + ") from "
        + p.formats().a()
        + " to "
        + p.formats().d();
  }

  private PreparedCommand prepared(Product p) throws Throwable {
    Description description = described(p);
    MemorySegment operation = description.operation();
    MemorySegment a = description.a();
    MemorySegment b = description.b();
    MemorySegment d = description.d();
    MemorySegment algorithm =
        description.algorithm().orElseThrow(() -> new Failure(ExitCode.FAILED, noAlgorithm(p)));
    MemorySegment beta = p.accumulate() ? one : zero;
    String doing = "multiplying matrices by " + name;
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
                    stream);
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
    MemorySegment preference = create("MatmulPreferenceCreate");
    try (Arena local = Arena.ofConfined()) {
      MemorySegment bytes = local.allocateFrom(JAVA_LONG, p.workspaceBytes());
      call(
          "MatmulPreferenceSetAttribute",
          (int)
              function("MatmulPreferenceSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG)
                  .invokeExact(preference, PREF_MAX_WORKSPACE_BYTES, bytes, 8L));
      // The algorithm, then the workspace it needs, a status, waves and four more.
      int size = numbers.algorithmBytes();
      MemorySegment result = local.allocate(size + 32, 8);
      MemorySegment found = local.allocate(JAVA_INT);
      int code =
          (int)
              function(
                      "MatmulAlgoGetHeuristic",
                      ADDRESS,
                      ADDRESS,
                      ADDRESS,
                      ADDRESS,
                      ADDRESS,
                      ADDRESS,
                      ADDRESS,
                      JAVA_INT,
                      ADDRESS,
                      ADDRESS)
                  .invokeExact(handle, operation, a, b, d, d, preference, 1, result, found);
      boolean none =
          code != 0 || found.get(JAVA_INT, 0) == 0 || result.get(JAVA_INT, size + 8) != 0;
      return none
          ? Optional.empty()
          : Optional.of(arena.allocate(size, 8).copyFrom(result.asSlice(0, size)));
    } finally {
      call("MatmulPreferenceDestroy", destroy("MatmulPreferenceDestroy", preference));
    }
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F32 -> R_32F;
      case BF16 -> R_16BF;
      case F8E4M3 -> R_8F_E4M3;
      case F8E5M2 -> R_8F_E5M2;
      case F8E4M3FNUZ -> R_8F_E4M3_FNUZ;
      case F8E5M2FNUZ -> R_8F_E5M2_FNUZ;
      case F16, I32 -> throw new IllegalArgumentException("no product is in " + dtype);
    };
  }

  private MemorySegment layout(int type, int rows, int columns) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    call(
        "MatrixLayoutCreate",
        (int)
            function("MatrixLayoutCreate", ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG)
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
        "MatmulDescSetAttribute",
        (int)
            function("MatmulDescSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG)
                .invokeExact(operation, attribute, value, value.byteSize()));
  }

  /** What a function writes to its first parameter. */
  private MemorySegment create(String what) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    call(what, (int) function(what, ADDRESS).invokeExact(to));
    return to.get(ADDRESS, 0);
  }

  private MemorySegment create(String what, int first, int second) throws Throwable {
    MemorySegment to = arena.allocate(ADDRESS);
    call(what, (int) function(what, ADDRESS, JAVA_INT, JAVA_INT).invokeExact(to, first, second));
    return to.get(ADDRESS, 0);
  }

  private int destroy(String what, MemorySegment of) throws Throwable {
    return (int) function(what, ADDRESS).invokeExact(of);
  }

  private void call(String what, int code) {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND,
          numbers.prefix()
              + what
              + " of "
              + library.path()
              + " says "
              + code
              + "; is it the driver's age?");
    }
  }

  /** Descriptors go with the process; they are a few hundred bytes each. */
  @Override
  public void close() {
    try {
      destroy("Destroy", handle);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    } finally {
      arena.close();
    }
  }
}
