package dev.anneal.eval.selftest;

import dev.anneal.ops.OpAccuracy.Deviation;
import dev.anneal.reference.Difference;
import dev.anneal.reference.Tolerance;
import java.util.Locale;
import java.util.Optional;

/** What a check found on a device. */
public sealed interface Finding {

  /** The measure of an error. */
  enum Unit {
    /** Units in the last place of the largest expected element. */
    ULPS("ulp"),
    /** The norm of the difference over the norm of what was expected. */
    RELATIVE("in norm"),
    /** Elements whose bits differ. */
    ELEMENTS("elements");

    private final String word;

    Unit(String word) {
      this.word = word;
    }
  }

  /**
   * Numbers, and how far they were off.
   *
   * @param error the one that is the largest share of what is allowed there
   * @param limit what was allowed there
   * @param where it was, when it is beyond the limit
   */
  record Measured(double error, double limit, Unit unit, Optional<String> where)
      implements Finding {

    static Measured of(Tolerance tolerance, Difference difference, String where) {
      boolean within = tolerance.holds(difference);
      return new Measured(
          tolerance.error(difference),
          tolerance.limit(),
          tolerance.elementwise() ? Unit.ULPS : Unit.RELATIVE,
          within ? Optional.empty() : Optional.of(where));
    }

    static Measured of(Deviation deviation, String where) {
      return of(deviation.tolerance(), deviation.difference(), deviation.tensor() + " of " + where);
    }

    /** Elements that should have had the same bits. */
    static Measured bits(long different, String where) {
      return new Measured(
          different, 0, Unit.ELEMENTS, different == 0 ? Optional.empty() : Optional.of(where));
    }

    /** Also false for NaN. */
    boolean within() {
      return error <= limit;
    }

    /** The worse of both: the one that is beyond its limit, or nearer to it. */
    Measured worse(Measured other) {
      return other.share() > share() ? other : this;
    }

    private double share() {
      double share = limit == 0 ? (error == 0 ? 0 : Double.POSITIVE_INFINITY) : error / limit;
      return Double.isNaN(share) ? Double.POSITIVE_INFINITY : share;
    }

    /** The error and its limit, with their unit. */
    public String text() {
      String format = unit == Unit.RELATIVE ? "%.1e / %.1e %s" : "%.3g / %.3g %s";
      return unit == Unit.ELEMENTS
          ? String.format(Locale.ROOT, "%.0f / %.0f %s", error, limit, unit.word)
          : String.format(Locale.ROOT, format, error, limit, unit.word);
    }
  }

  /** The device cannot do it, and need not. */
  record Skipped(String reason) implements Finding {}
}
