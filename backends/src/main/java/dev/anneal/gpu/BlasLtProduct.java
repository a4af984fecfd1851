package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.launch.Product;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** A product in descriptors of cuBLASLt's or hipBLASLt's, and what the library offers for it. */
final class BlasLtProduct {
  private final BlasLtCalls calls;
  private final BlasLtHeader header;
  private final long stream;
  private final Product product;
  private final MemorySegment operation;
  private final MemorySegment a;
  private final MemorySegment b;
  private final MemorySegment d;

  BlasLtProduct(BlasLtCalls calls, BlasLtHeader header, long stream, Product p) throws Throwable {
    this.calls = calls;
    this.header = header;
    this.stream = stream;
    this.product = p;
    this.operation = operation();
    HeaderConstant aType = header.type(p.formats().a());
    HeaderConstant bType = header.type(p.formats().b());
    this.a =
        p.transposeA()
            ? calls.newLayout(aType, p.k(), p.m())
            : calls.newLayout(aType, p.m(), p.k());
    this.b =
        p.transposeB()
            ? calls.newLayout(bType, p.n(), p.k())
            : calls.newLayout(bType, p.k(), p.n());
    this.d = calls.newLayout(header.type(p.formats().d()), p.m(), p.n());
  }

  private MemorySegment operation() throws Throwable {
    Product p = product;
    boolean tf32 =
        p.formats().a() == DType.F32 && p.formats().multiplication() == Multiplication.TF32;
    MemorySegment made =
        calls.newProduct(
            tf32 ? header.compute().tf32() : header.compute().float32(), header.type(DType.F32));
    BlasLtHeader.Attributes attributes = header.attributes();
    BlasLtHeader.Operation op = header.operation();
    calls.set(made, attributes.transposeA(), p.transposeA() ? op.transposed() : op.none());
    calls.set(made, attributes.transposeB(), p.transposeB() ? op.transposed() : op.none());
    switch (p.epilogue()) {
      case NONE -> {}
      case BIAS -> biased(made, header.epilogues().bias());
      case BIAS_THEN_GELU -> {
        biased(made, header.epilogues().geluOfBias());
        auxiliary(made);
      }
      case GELU_GRADIENT -> {
        calls.set(made, attributes.epilogue(), header.epilogues().geluGradient());
        auxiliary(made);
      }
      case BIAS_GRADIENT -> biased(made, header.epilogues().biasGradient());
    }
    if (p.scales().isPresent()) {
      calls.set(made, attributes.scaleA(), p.scales().get().a().address());
      calls.set(made, attributes.scaleB(), p.scales().get().b().address());
      if (attributes.fastSums().isPresent()) {
        calls.set(made, attributes.fastSums().get(), p.scales().get().fast());
      }
    }
    return made;
  }

  private void biased(MemorySegment made, HeaderConstant epilogue) throws Throwable {
    BlasLtHeader.Attributes attributes = header.attributes();
    calls.set(made, attributes.epilogue(), epilogue);
    calls.set(made, attributes.bias(), product.bias().address());
    calls.set(made, attributes.biasType(), header.type(product.formats().d()));
  }

  private void auxiliary(MemorySegment made) throws Throwable {
    BlasLtHeader.Attributes attributes = header.attributes();
    calls.set(made, attributes.auxiliary(), product.auxiliary().address());
    calls.set(made, attributes.auxiliaryColumn(), (long) product.m());
    calls.set(made, attributes.auxiliaryType(), header.type(product.formats().d()));
  }

  /** An algorithm, in memory of the library's calls, and the workspace that it needs. */
  record Algorithm(MemorySegment bytes, long workspaceBytes) {}

  /**
   * What the library offers, its own first choice first.
   *
   * @param why there is none, as it ends a line
   */
  record Offer(List<Algorithm> algorithms, String why) {}

  /** At most {@code most}, all of which the library takes to do with the workspace there is. */
  Offer offered(int most) throws Throwable {
    MemorySegment preference = calls.newPreference();
    try (Arena local = Arena.ofConfined()) {
      calls.setWorkspace(preference, product.workspaceBytes());
      calls.setAlignments(
          preference,
          List.of(
              ProductText.alignment(product.a().address()),
              ProductText.alignment(product.b().address()),
              ProductText.alignment(ProductText.added(product)),
              ProductText.alignment(product.d().address())));
      int size = resultBytes();
      MemorySegment results = local.allocate((long) size * most, 8);
      MemorySegment found = local.allocate(JAVA_INT);
      int asked =
          (int)
              calls
                  .bound(BlasLtFunction.HEURISTIC)
                  .invokeExact(
                      calls.handle(), operation, a, b, d, d, preference, most, results, found);
      if (asked != 0) {
        return new Offer(List.of(), " (" + calls.says(asked) + ")");
      }
      List<Algorithm> algorithms = new ArrayList<>();
      String why = "";
      for (int i = 0; i < Math.min(most, found.get(JAVA_INT, 0)); i++) {
        MemorySegment result = results.asSlice((long) size * i, size);
        int state = result.get(JAVA_INT, header.algorithmBytes() + 8);
        if (state == 0) {
          algorithms.add(kept(result));
        } else {
          why = " (" + calls.says(state) + ")";
        }
      }
      return new Offer(algorithms, algorithms.isEmpty() ? why : "");
    } finally {
      calls.destroy(BlasLtFunction.PREFERENCE_DESTROY, preference);
    }
  }

  /** The algorithm, then the workspace it needs, a status, waves and four more. */
  private int resultBytes() {
    return header.algorithmBytes() + 32;
  }

  private Algorithm kept(MemorySegment result) {
    int size = header.algorithmBytes();
    return new Algorithm(
        calls.arena().allocate(size, 8).copyFrom(result.asSlice(0, size)),
        result.get(JAVA_LONG, size));
  }

  /** What tells it from others, in hexadecimal digits. */
  String code(Algorithm algorithm) {
    byte[] bytes = algorithm.bytes().asSlice(0, header.tellingBytes()).toArray(JAVA_BYTE);
    return HexFormat.of().formatHex(bytes);
  }

  /**
   * An algorithm of {@code code}, when the library does this product with it.
   *
   * @param most that the library is asked for where it has no function to ask by
   */
  Optional<Algorithm> restored(String code, int most) throws Throwable {
    if (!code.matches("[0-9a-f]{" + 2 * header.tellingBytes() + "}")) {
      return Optional.empty();
    }
    if (calls.check().isEmpty()) {
      return offered(most).algorithms().stream()
          .filter(algorithm -> code(algorithm).equals(code) && fits(algorithm))
          .findFirst();
    }
    try (Arena local = Arena.ofConfined()) {
      MemorySegment algorithm = local.allocate(header.algorithmBytes(), 8);
      algorithm.copyFrom(MemorySegment.ofArray(HexFormat.of().parseHex(code)));
      MemorySegment result = local.allocate(resultBytes(), 8);
      int says =
          (int)
              calls
                  .check()
                  .get()
                  .invokeExact(calls.handle(), operation, a, b, d, d, algorithm, result);
      // What the check writes of the algorithm itself is not said, what it needs is.
      result.asSlice(0, header.algorithmBytes()).copyFrom(algorithm);
      return says == 0 ? Optional.of(kept(result)).filter(this::fits) : Optional.empty();
    }
  }

  boolean fits(Algorithm algorithm) {
    return algorithm.workspaceBytes() <= product.workspaceBytes();
  }

  /** The product by an algorithm as one call, which gives what the library answers. */
  Call call(Algorithm algorithm) {
    Product p = product;
    MemorySegment handle = calls.handle();
    MemorySegment one = calls.one();
    MemorySegment beta = p.c().address() == 0 ? calls.zero() : one;
    MemorySegment bytes = algorithm.bytes();
    long c = ProductText.added(p);
    MethodHandle matmul = calls.bound(BlasLtFunction.MATMUL);
    return () -> {
      try {
        return (int)
            matmul.invokeExact(
                handle,
                operation,
                one,
                p.a().address(),
                a,
                p.b().address(),
                b,
                beta,
                c,
                d,
                p.d().address(),
                d,
                bytes,
                p.workspace().address(),
                p.workspaceBytes(),
                stream);
      } catch (Throwable e) {
        throw SharedLibrary.rethrown(e);
      }
    };
  }

  /** A product that is ready to be told. */
  @FunctionalInterface
  interface Call {
    int status();
  }
}
