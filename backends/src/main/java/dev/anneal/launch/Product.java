package dev.anneal.launch;

import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * D (m,n) = op(A) (m,k) op(B) (k,n) + C, by a library, in its own order: columns one after the
 * other, as BLAS has them. A row-major matrix is its own transpose there.
 *
 * @param formats of the matrices
 * @param scales of operands of 8 bits
 * @param c where C is, which may be D's place
 * @param auxiliary of a GELU, of D's shape
 */
public record Product(
    boolean transposeA,
    boolean transposeB,
    int m,
    int n,
    int k,
    Formats formats,
    Optional<Scales> scales,
    Place a,
    Place b,
    Place d,
    Place c,
    Epilogue epilogue,
    Place bias,
    Place auxiliary,
    Place workspace,
    long workspaceBytes)
    implements Command {

  /** What a library does with a product before it writes it. */
  public enum Epilogue {
    NONE,
    /** Adds a bias to every column. */
    BIAS,
    /** Adds a bias, writes that to an auxiliary matrix, and the GELU of it as the result. */
    BIAS_THEN_GELU,
    /** Multiplies with the slope of GELU at an auxiliary matrix. */
    GELU_GRADIENT,
    /** Writes the sums of op(B)'s columns, over k, as the bias. */
    BIAS_GRADIENT
  }

  /**
   * Number formats of A, of B, and of C and D, which a bias and an auxiliary matrix share.
   *
   * @param multiplication of A and B in fp32
   */
  public record Formats(DType a, DType b, DType d, Multiplication multiplication) {
    public Formats(DType ab, DType d, Multiplication multiplication) {
      this(ab, ab, d, multiplication);
    }

    /** Of both operands, where they are alike. */
    public DType ab() {
      if (a != b) {
        throw new IllegalStateException("a product of " + a + " and " + b);
      }
      return a;
    }
  }

  /**
   * What operands of 8 bits are multiplied with: two floats.
   *
   * @param fast whether sums may have fewer bits
   */
  public record Scales(Place a, Place b, boolean fast) {}

  /** Of operands that need no scales, at addresses. */
  public Product(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      Formats formats,
      long a,
      long b,
      long d,
      long c,
      Epilogue epilogue,
      long bias,
      long auxiliary,
      long workspace,
      long workspaceBytes) {
    this(
        transposeA,
        transposeB,
        m,
        n,
        k,
        formats,
        Optional.empty(),
        Place.at(a),
        Place.at(b),
        Place.at(d),
        Place.at(c),
        epilogue,
        Place.at(bias),
        Place.at(auxiliary),
        Place.at(workspace),
        workspaceBytes);
  }

  Product with(Scales those) {
    return new Product(
        transposeA,
        transposeB,
        m,
        n,
        k,
        formats,
        Optional.of(those),
        a,
        b,
        d,
        c,
        epilogue,
        bias,
        auxiliary,
        workspace,
        workspaceBytes);
  }

  private Product with(
      Optional<Scales> scale, UnaryOperator<Place> places, Place added, Epilogue other) {
    return new Product(
        transposeA,
        transposeB,
        m,
        n,
        k,
        formats,
        scale,
        places.apply(a),
        places.apply(b),
        places.apply(d),
        added,
        other,
        places.apply(bias),
        places.apply(auxiliary),
        places.apply(workspace),
        workspaceBytes);
  }

  Product with(Epilogue other, Place itsBias, Place itsAuxiliary) {
    return new Product(
        transposeA,
        transposeB,
        m,
        n,
        k,
        formats,
        scales,
        a,
        b,
        d,
        c,
        other,
        itsBias,
        itsAuxiliary,
        workspace,
        workspaceBytes);
  }

  /** The same and a matrix at {@code place}. */
  Product plus(Place place) {
    return with(scales, any -> any, place, epilogue);
  }

  /** The same with scratch. */
  Product in(Place scratch) {
    return new Product(
        transposeA,
        transposeB,
        m,
        n,
        k,
        formats,
        scales,
        a,
        b,
        d,
        c,
        epilogue,
        bias,
        auxiliary,
        scratch,
        workspaceBytes);
  }

  @Override
  public Product at(UnaryOperator<Place> places) {
    return with(
        scales.map(s -> new Scales(places.apply(s.a()), places.apply(s.b()), s.fast())),
        places,
        places.apply(c),
        epilogue);
  }

  /** The same with all addresses but those of scales being {@code address}. */
  public Product anywhere(long address) {
    Place place = Place.at(address);
    return with(scales, any -> place, c.isNone() ? c : place, epilogue);
  }
}
