package dev.anneal.gpu;

import dev.anneal.device.ProductAlgorithm;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.BlasLtProduct.Offer;
import dev.anneal.launch.Product;
import dev.anneal.launch.Product.Epilogue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.LongStream;

/**
 * cuBLASLt or hipBLASLt, in fp32, TF32, bf16 and fp8: one set of descriptors and one algorithm per
 * place where a product is used, so that running it is one call. The two have the same functions;
 * {@link BlasLtHeader} is what differs. {@link BlasLtAlgorithms} says which algorithm.
 */
public final class BlasLt implements MatrixLibrary {
  private final BlasLtHeader header;
  private final Name name;
  private final long stream;
  private final boolean fusesGelu;
  private final BlasLtCalls calls;
  private final BlasLtAlgorithms algorithms;
  private Optional<String> refusal = Optional.empty();
  private final Map<Product, Boolean> does = new HashMap<>();

  /**
   * What a library is called.
   *
   * @param version as lists of devices have it
   * @param exact all of its version
   */
  public record Name(String title, String version, String exact) {
    @Override
    public String toString() {
      return title + " " + version;
    }

    String whole() {
      return title + " " + exact;
    }
  }

  /**
   * @param statusText what the library says to a result code
   * @param stream the driver's handle of it
   * @param fusesGelu whether GELU within a product is no slower on this device than after it
   * @param trials of algorithms; the library's first is taken where there are none
   * @throws Failure when the library does not start on this device
   */
  public BlasLt(
      SharedLibrary library,
      BlasLtHeader header,
      Name name,
      IntFunction<String> statusText,
      long stream,
      boolean fusesGelu,
      Optional<ProductTrials> trials) {
    this.header = header;
    this.name = name;
    this.stream = stream;
    this.fusesGelu = fusesGelu;
    this.calls = new BlasLtCalls(library, header, statusText);
    this.algorithms =
        new BlasLtAlgorithms(
            name.whole() + trials.map(ProductTrials::condition).orElse(""), calls, trials);
  }

  @Override
  public String name() {
    return name.toString();
  }

  @Override
  public Optional<String> refusal() {
    return refusal;
  }

  @Override
  public List<String> remarks() {
    return algorithms.remarks();
  }

  @Override
  public List<ProductAlgorithm> algorithms() {
    return algorithms.chosen();
  }

  @Override
  public void use(Map<String, String> recorded) {
    algorithms.use(recorded);
  }

  private BlasLtProduct described(Product product) throws Throwable {
    return new BlasLtProduct(calls, header, stream, product);
  }

  @Override
  public boolean does(Product product) {
    boolean gelu =
        product.epilogue() == Epilogue.BIAS_THEN_GELU
            || product.epilogue() == Epilogue.GELU_GRADIENT;
    if (gelu && !fusesGelu) {
      return false;
    }
    return does.computeIfAbsent(anywhere(product), this::asked);
  }

  /** The same at all addresses of one alignment; a bias may be wanted, but not be looked at. */
  private static Product anywhere(Product product) {
    long least =
        LongStream.of(
                product.a().address(),
                product.b().address(),
                product.c().address(),
                product.d().address())
            .map(ProductText::alignment)
            .min()
            .orElse(ProductText.ALIGNMENT);
    return product.anywhere(least);
  }

  private boolean asked(Product product) {
    try {
      Offer offer = described(product).offered(1);
      if (offer.algorithms().isEmpty()) {
        refuse(product, offer.why());
        return false;
      }
      return true;
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** What follows a product may always be done after it, but for a bias in 8 bits. */
  private void refuse(Product product, String why) {
    if (product.epilogue() == Epilogue.NONE || product.scales().isPresent()) {
      refusal = refusal.or(() -> Optional.of(refused(product, why) + ", so own kernels do it"));
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

  @Override
  public boolean choose(List<Product> products) {
    boolean all = true;
    algorithms.begin();
    for (Product product : products) {
      try {
        if (algorithms.of(product).isEmpty()) {
          BlasLtAlgorithms.Answer answer = algorithms.choose(product, described(product));
          if (answer instanceof BlasLtAlgorithms.Refused(String why)) {
            does.put(anywhere(product), false);
            refuse(product, why);
            all = false;
          }
        }
      } catch (Throwable e) {
        throw SharedLibrary.rethrown(e);
      }
    }
    return all;
  }

  @Override
  public PreparedCommand prepare(Product product) {
    try {
      BlasLtProduct described = described(product);
      algorithms.begin();
      if (algorithms.of(product).isEmpty()
          && algorithms.choose(product, described) instanceof BlasLtAlgorithms.Refused(var why)) {
        throw new Failure(ExitCode.FAILED, refused(product, why));
      }
      BlasLtProduct.Call call = described.call(algorithms.of(product).orElseThrow());
      return () -> calls.check(BlasLtFunction.MATMUL, call.status());
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  @Override
  public void close() {
    calls.close();
  }
}
