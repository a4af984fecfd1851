package dev.anneal.run;

import dev.anneal.failure.Failure;
import dev.anneal.run.log.Metric;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An early end: {@code METRIC OPERATOR NUMBER}, such as {@code val_loss<2.0} or {@code step>=15}.
 */
public record Until(Metric metric, Comparison comparison, double bound) {
  private static final Pattern FORM =
      Pattern.compile("\\s*(\\w+)\\s*(<=|>=|<|>)\\s*([-+.\\deE]+)\\s*");

  /** What can be compared. */
  public enum Metric {
    STEP,
    LOSS,
    VAL_LOSS
  }

  /** How it is compared with the bound. */
  public enum Comparison {
    LESS("<"),
    LESS_OR_EQUAL("<="),
    GREATER(">"),
    GREATER_OR_EQUAL(">=");

    private final String sign;

    Comparison(String sign) {
      this.sign = sign;
    }
  }

  /**
   * Reads a condition.
   *
   * @param where it was typed, such as {@code --until} or {@code wait}
   * @throws Failure when it is none
   */
  public static Until parse(String where, String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw malformed(where, text);
    }
    try {
      return new Until(
          metric(where, matcher.group(1), text),
          comparison(matcher.group(2)),
          Double.parseDouble(matcher.group(3)));
    } catch (NumberFormatException e) {
      throw malformed(where, text);
    }
  }

  private static Metric metric(String where, String name, String text) {
    for (Metric metric : Metric.values()) {
      if (metric.name().equalsIgnoreCase(name)) {
        return metric;
      }
    }
    throw malformed(where, text);
  }

  private static Comparison comparison(String sign) {
    for (Comparison comparison : Comparison.values()) {
      if (comparison.sign.equals(sign)) {
        return comparison;
      }
    }
    throw new IllegalArgumentException(sign);
  }

  private static Failure malformed(String where, String text) {
    return Failure.usage(
        where
            + " '"
            + text
            + "' is no condition; expected step, loss or val_loss, then <, <=, > or >=, then a"
            + " number, such as 'val_loss<2.0'");
  }

  /** Whether {@code value}, a new reading of {@code of}, ends the run. */
  public boolean reached(Metric of, double value) {
    return of == metric
        && switch (comparison) {
          case LESS -> value < bound;
          case LESS_OR_EQUAL -> value <= bound;
          case GREATER -> value > bound;
          case GREATER_OR_EQUAL -> value >= bound;
        };
  }

  @Override
  public String toString() {
    String number =
        bound == Math.rint(bound) ? String.valueOf((long) bound) : String.valueOf(bound);
    return metric.name().toLowerCase(Locale.ROOT) + comparison.sign + number;
  }
}
