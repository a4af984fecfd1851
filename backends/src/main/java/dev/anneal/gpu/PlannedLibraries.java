package dev.anneal.gpu;

import dev.anneal.failure.Failure;
import dev.anneal.launch.FusedAttention;
import dev.anneal.launch.Product;
import dev.anneal.launch.Product.Epilogue;
import java.util.Optional;

/**
 * What a vendor's libraries are taken to do on a GPU that is not here, by what their documentation
 * says: which algorithm they would find is for a device to say.
 */
public final class PlannedLibraries {
  /** Of addresses and rows, from which on cuBLASLt has its fast kernels and all its epilogues. */
  private static final long ALIGNMENT = 16;

  private PlannedLibraries() {}

  private static Failure nothingRuns(String name) {
    return Failure.failed(name + " is only planned with; nothing runs");
  }

  /**
   * cuBLASLt or hipBLASLt.
   *
   * @param fusesGelu whether GELU within a product is no slower on the device than after it
   */
  public record Matrices(String name, boolean fusesGelu) implements MatrixLibrary {
    @Override
    public boolean does(Product p) {
      boolean gelu =
          p.epilogue() == Epilogue.BIAS_THEN_GELU || p.epilogue() == Epilogue.GELU_GRADIENT;
      return !(gelu && !fusesGelu)
          && isAligned(p.a().address())
          && isAligned(p.b().address())
          && isAligned(p.c().address())
          && isAligned(p.d().address())
          && isAligned((long) p.formats().a().bytes() * (p.transposeA() ? p.k() : p.m()))
          && isAligned((long) p.formats().b().bytes() * (p.transposeB() ? p.n() : p.k()))
          && isAligned((long) p.formats().d().bytes() * p.m());
    }

    private static boolean isAligned(long bytes) {
      return bytes % ALIGNMENT == 0;
    }

    @Override
    public Optional<String> refusal() {
      return Optional.empty();
    }

    @Override
    public PreparedCommand prepare(Product product) {
      throw nothingRuns(name);
    }

    @Override
    public void close() {}
  }

  /**
   * cuDNN, which says only on a device how much scratch it needs; here it is that of the gradients
   * of scores, or of the sum, as its front end reckons it.
   */
  public record Fused(String name) implements AttentionLibrary {
    private static final int WIDEST = 128;
    private static final int MULTIPLE = 8;

    private static Optional<Scratch> fits(Shape shape, long bytes) {
      boolean fits =
          shape.format().bytes() == 2
              && shape.headSize() % MULTIPLE == 0
              && shape.headSize() <= WIDEST;
      return fits ? Optional.of(new Scratch(bytes, 0)) : Optional.empty();
    }

    @Override
    public Optional<Scratch> forward(Shape shape) {
      return fits(shape, 0);
    }

    @Override
    public Optional<Scratch> backward(Shape shape, Gradient gradient) {
      long queries = (long) shape.batch() * shape.tokens() * shape.heads() * shape.headSize();
      return fits(
          shape,
          switch (gradient) {
            case OF_SCORES -> shape.scoreBytes();
            case SUMMED -> Float.BYTES * queries;
          });
    }

    @Override
    public Optional<String> known(String about) {
      return Optional.empty();
    }

    @Override
    public void keep(String about, String found) {}

    @Override
    public Optional<String> refusal() {
      return Optional.empty();
    }

    @Override
    public PreparedCommand prepare(FusedAttention command) {
      throw nothingRuns(name);
    }

    @Override
    public void close() {}
  }
}
