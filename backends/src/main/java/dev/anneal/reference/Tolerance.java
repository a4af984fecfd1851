package dev.anneal.reference;

import dev.anneal.plan.Arithmetic;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import java.util.Locale;

/**
 * How near a device must come to the reference: an elementwise op to {@code limit} units in the
 * last place of the result's scale, which is its largest element; an op that sums to {@code limit}
 * relative in norm. Where a result is stored in 16 bits, it is that format's units that count;
 * attention may then round its weights, too, as tensor cores want them in 16 bits.
 */
public record Tolerance(boolean elementwise, double limit) {
  private static final double ULPS = 4;

  /** The slope of GELU is a sum of two, of which one is a product of five that are rounded. */
  private static final double SLOPE_ULPS = 8;

  private static final double RELATIVE = 1e-5;
  private static final double FP32_ULP = 0x1p-23;

  /** A classifier's results have been logits and then their gradients, each of which is rounded. */
  private static final int CLASSIFIER_ROUNDS = 3;

  /** Both operands lose up to 2^-10 of themselves, always downwards. */
  private static final double TF32 = 0x1p-9;

  /** Hopper's sums of products of 8 bits have no more than 14 bits. */
  private static final double EIGHT_BITS = 0x1p-9;

  public static Tolerance of(Op op) {
    double storage =
        op.writes().stream().mapToDouble(tensor -> ulp(tensor.dtype())).max().orElseThrow();
    // A result between two numbers of 16 bits may be rounded to either, but most are not so near.
    if (storage == 0) {
      return switch (op.arithmetic()) {
        case ELEMENTWISE -> new Tolerance(true, ULPS);
        case CANCELLING -> new Tolerance(true, SLOPE_ULPS);
        case SUM, PRODUCT, PRODUCT_OF_8_BITS, ATTENTION, CACHED_ATTENTION, CLASSIFIER ->
            new Tolerance(false, RELATIVE);
      };
    }
    return switch (op.arithmetic()) {
      case ELEMENTWISE, CANCELLING -> new Tolerance(true, storage / FP32_ULP);
      case SUM, PRODUCT, PRODUCT_OF_8_BITS -> new Tolerance(false, storage / 4);
      case ATTENTION, CACHED_ATTENTION -> new Tolerance(false, storage / 2);
      case CLASSIFIER -> new Tolerance(false, CLASSIFIER_ROUNDS * storage / 4);
    };
  }

  /** The bound for {@code op} when its operands of fp32 are multiplied so. */
  public static Tolerance of(Op op, Multiplication multiplication) {
    Tolerance exact = of(op);
    if (op.arithmetic() == Arithmetic.PRODUCT_OF_8_BITS) {
      return new Tolerance(false, Math.max(exact.limit(), EIGHT_BITS));
    }
    return op.arithmetic().takesTf32() && multiplication == Multiplication.TF32
        ? new Tolerance(false, Math.max(exact.limit(), TF32))
        : exact;
  }

  /** The same in norm, for what several ops compute together. */
  public static Tolerance inNorm(Op op, Multiplication multiplication) {
    Tolerance own = of(op, multiplication);
    return own.elementwise()
        ? new Tolerance(false, Math.max(RELATIVE, own.limit() * FP32_ULP / 2))
        : own;
  }

  /** The distance of numbers near 1 that are stored in 16 bits; 0 for those that are not. */
  private static double ulp(DType dtype) {
    return switch (dtype) {
      case BF16 -> 0x1p-7;
      case F16 -> 0x1p-10;
      case F8E4M3, F8E4M3FNUZ -> 0x1p-3;
      case F8E5M2, F8E5M2FNUZ -> 0x1p-2;
      case F32, I32 -> 0;
    };
  }

  /** For a result that {@code ops} ops in a row have part in. */
  public Tolerance times(int ops) {
    return new Tolerance(elementwise, limit * ops);
  }

  /** The error that is held against {@link #limit}. */
  public double error(Difference difference) {
    return elementwise ? difference.ulps() : difference.relative();
  }

  public boolean holds(Difference difference) {
    // Also false for NaN.
    return error(difference) <= limit;
  }

  /** An error or a limit with its unit. */
  public String describe(double error) {
    return elementwise
        ? String.format(Locale.ROOT, "%.1f ulp", error)
        : String.format(Locale.ROOT, "%.1e in norm", error);
  }
}
