package dev.anneal.reference;

import dev.anneal.plan.Op;
import java.util.Locale;

/**
 * How near a device must come to the reference: an elementwise op to {@code limit} units in the
 * last place of the result's scale, which is its largest element; an op that sums to {@code limit}
 * relative in norm.
 */
public record Tolerance(boolean elementwise, double limit) {
  private static final double ULPS = 4;
  private static final double RELATIVE = 1e-5;

  public static Tolerance of(Op op) {
    boolean elementwise = isElementwise(op);
    return new Tolerance(elementwise, elementwise ? ULPS : RELATIVE);
  }

  /** Whether each element of the result depends on a few numbers, whatever the shapes. */
  private static boolean isElementwise(Op op) {
    return op instanceof Op.Add
        || op instanceof Op.GeluForward
        || op instanceof Op.GeluBackward
        || op instanceof Op.AdamW
        || op instanceof Op.EmbeddingForward
        || op instanceof Op.MeanBackward
        || op instanceof Op.CrossEntropyBackward
        || op instanceof Op.Fill;
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
