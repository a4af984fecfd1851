package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.Command.Epilogue;
import dev.anneal.gpu.Command.Product;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.LongStream;

/**
 * cuBLASLt or hipBLASLt, in fp32, TF32, bf16 and fp8: one set of descriptors and one algorithm per
 * place where a product is used, so that running it is one call. The two have the same functions;
 * {@link BlasLtHeader} is what differs.
 */
public final class BlasLt implements MatrixLibrary {
  /** More than this no kernel asks of an address. */
  private static final long ALIGNMENT = 256;

  private final BlasLtHeader header;
  private final String name;
  private final long stream;
  private final boolean fusesGelu;
  private final BlasLtCalls calls;
  private final MemorySegment zero;
  private final MemorySegment one;
  private Optional<String> refusal = Optional.empty();
  private final Map<Product, Boolean> does = new HashMap<>();

  /**
   * @param name with the version, as lists of devices have it
   * @param statusText what the library says to a result code
   * @param stream the driver's handle of it
   * @param fusesGelu whether GELU within a product is no slower on this device than after it
   * @throws Failure when the library does not start on this device
   */
  public BlasLt(
      SharedLibrary library,
      BlasLtHeader header,
      String name,
      IntFunction<String> statusText,
      long stream,
      boolean fusesGelu) {
    this.header = header;
    this.name = name;
    this.stream = stream;
    this.fusesGelu = fusesGelu;
    this.calls = new BlasLtCalls(library, header, statusText);
    this.zero = calls.arena().allocateFrom(JAVA_FLOAT, 0f);
    this.one = calls.arena().allocateFrom(JAVA_FLOAT, 1f);
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
      Algorithm algorithm) {}

  /** The library's answer to whether it can do a product. */
  private sealed interface Algorithm {}

  private record Found(MemorySegment algorithm) implements Algorithm {}

  private record None(String why) implements Algorithm {}

  private Description described(Product p) throws Throwable {
    boolean tf32 =
        p.formats().a() == DType.F32 && p.formats().multiplication() == Multiplication.TF32;
    MemorySegment operation =
        calls.newProduct(
            tf32 ? header.compute().tf32() : header.compute().float32(), header.type(DType.F32));
    BlasLtHeader.Attributes attributes = header.attributes();
    BlasLtHeader.Operation op = header.operation();
    calls.set(operation, attributes.transposeA(), p.transposeA() ? op.transposed() : op.none());
    calls.set(operation, attributes.transposeB(), p.transposeB() ? op.transposed() : op.none());
    HeaderConstant dType = header.type(p.formats().d());
    switch (p.epilogue()) {
      case NONE -> {}
      case BIAS -> biased(operation, header.epilogues().bias(), p);
      case BIAS_THEN_GELU -> {
        biased(operation, header.epilogues().geluOfBias(), p);
        auxiliary(operation, p);
      }
      case GELU_GRADIENT -> {
        calls.set(operation, attributes.epilogue(), header.epilogues().geluGradient());
        auxiliary(operation, p);
      }
      case BIAS_GRADIENT -> biased(operation, header.epilogues().biasGradient(), p);
    }
    if (p.scales().isPresent()) {
      calls.set(operation, attributes.scaleA(), p.scales().get().a());
      calls.set(operation, attributes.scaleB(), p.scales().get().b());
      if (attributes.fastSums().isPresent()) {
        calls.set(operation, attributes.fastSums().get(), p.scales().get().fast());
      }
    }
    HeaderConstant aType = header.type(p.formats().a());
    HeaderConstant bType = header.type(p.formats().b());
    MemorySegment a =
        p.transposeA()
            ? calls.newLayout(aType, p.k(), p.m())
            : calls.newLayout(aType, p.m(), p.k());
    MemorySegment b =
        p.transposeB()
            ? calls.newLayout(bType, p.n(), p.k())
            : calls.newLayout(bType, p.k(), p.n());
    MemorySegment d = calls.newLayout(dType, p.m(), p.n());
    return new Description(operation, a, b, d, algorithm(operation, a, b, d, p));
  }

  private void biased(MemorySegment operation, HeaderConstant epilogue, Product p)
      throws Throwable {
    BlasLtHeader.Attributes attributes = header.attributes();
    calls.set(operation, attributes.epilogue(), epilogue);
    calls.set(operation, attributes.bias(), p.bias());
    calls.set(operation, attributes.biasType(), header.type(p.formats().d()));
  }

  private void auxiliary(MemorySegment operation, Product p) throws Throwable {
    BlasLtHeader.Attributes attributes = header.attributes();
    calls.set(operation, attributes.auxiliary(), p.auxiliary());
    calls.set(operation, attributes.auxiliaryColumn(), (long) p.m());
    calls.set(operation, attributes.auxiliaryType(), header.type(p.formats().d()));
  }

  @Override
  public boolean does(Product product) {
    boolean gelu =
        product.epilogue() == Epilogue.BIAS_THEN_GELU
            || product.epilogue() == Epilogue.GELU_GRADIENT;
    if (gelu && !fusesGelu) {
      return false;
    }
    // The same at all addresses of one alignment; a bias may be wanted, but not be looked at.
    long least =
        LongStream.of(product.a(), product.b(), product.c(), product.d())
            .map(BlasLt::alignment)
            .min()
            .orElse(ALIGNMENT);
    return does.computeIfAbsent(product.anywhere(least), this::asked);
  }

  private static long alignment(long address) {
    return address == 0 ? ALIGNMENT : Math.min(ALIGNMENT, Long.lowestOneBit(address));
  }

  private boolean asked(Product product) {
    try {
      return switch (described(product).algorithm()) {
        case Found ignored -> true;
        case None(String why) -> {
          // What follows a product may always be done after it.
          if (product.epilogue() == Epilogue.NONE || product.epilogue() == Epilogue.BIAS) {
            refusal =
                refusal.or(() -> Optional.of(refused(product, why) + ", so own kernels do it"));
          }
          yield false;
        }
      };
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  private String refused(Product p, String why) {
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
        + p.formats().d()
        + why;
  }

  private PreparedCommand prepared(Product p) throws Throwable {
    Description description = described(p);
    MemorySegment handle = calls.handle();
    MemorySegment operation = description.operation();
    MemorySegment a = description.a();
    MemorySegment b = description.b();
    MemorySegment d = description.d();
    MemorySegment algorithm =
        switch (description.algorithm()) {
          case Found(MemorySegment found) -> found;
          case None(String why) -> throw new Failure(ExitCode.FAILED, refused(p, why));
        };
    MemorySegment beta = p.c() == 0 ? zero : one;
    long c = p.c() == 0 ? p.d() : p.c();
    MethodHandle matmul = calls.bound(BlasLtFunction.MATMUL);
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
                    c,
                    d,
                    p.d(),
                    d,
                    algorithm,
                    p.workspace(),
                    p.workspaceBytes(),
                    stream);
        calls.check(BlasLtFunction.MATMUL, code);
      } catch (Throwable e) {
        throw SharedLibrary.rethrown(e);
      }
    };
  }

  /** The library's own choice. */
  private Algorithm algorithm(
      MemorySegment operation, MemorySegment a, MemorySegment b, MemorySegment d, Product p)
      throws Throwable {
    MemorySegment preference = calls.newPreference();
    try (Arena local = Arena.ofConfined()) {
      calls.setWorkspace(preference, p.workspaceBytes());
      calls.setAlignments(
          preference,
          List.of(
              alignment(p.a()),
              alignment(p.b()),
              alignment(p.c() == 0 ? p.d() : p.c()),
              alignment(p.d())));
      // The algorithm, then the workspace it needs, a status, waves and four more.
      int size = header.algorithmBytes();
      MemorySegment result = local.allocate(size + 32, 8);
      MemorySegment found = local.allocate(JAVA_INT);
      int asked =
          (int)
              calls
                  .bound(BlasLtFunction.HEURISTIC)
                  .invokeExact(calls.handle(), operation, a, b, d, d, preference, 1, result, found);
      if (asked == 0 && found.get(JAVA_INT, 0) == 0) {
        return new None("");
      }
      int code = asked == 0 ? result.get(JAVA_INT, size + 8) : asked;
      return code == 0
          ? new Found(calls.arena().allocate(size, 8).copyFrom(result.asSlice(0, size)))
          : new None(" (" + calls.says(code) + ")");
    } finally {
      calls.destroy(BlasLtFunction.PREFERENCE_DESTROY, preference);
    }
  }

  @Override
  public void close() {
    calls.close();
  }
}
