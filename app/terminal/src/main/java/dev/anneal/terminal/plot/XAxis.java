package dev.anneal.terminal.plot;

import dev.anneal.run.log.Series;
import dev.anneal.terminal.text.Amounts;
import java.util.List;
import java.util.Locale;

/** What the horizontal axis counts. */
public enum XAxis {
  STEP,
  TOKENS,
  TIME;

  public XAxis next() {
    return values()[(ordinal() + 1) % values().length];
  }

  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Where point {@code i} of a series lies. */
  double of(Series series, int i, int tokensPerStep) {
    return switch (this) {
      case STEP -> series.steps()[i];
      case TOKENS -> (double) series.steps()[i] * tokensPerStep;
      case TIME -> series.seconds()[i];
    };
  }

  /** Round places between two. */
  List<Ticks.Tick> ticks(double from, double to, int most) {
    return switch (this) {
      case STEP, TOKENS -> Ticks.whole(from, to, most);
      case TIME -> Ticks.time(from, to, most);
    };
  }

  String label(double value) {
    return switch (this) {
      case STEP -> String.format(Locale.ROOT, "%.0f", value);
      case TOKENS -> Amounts.scaled(value, "").replace(" ", "");
      case TIME -> Amounts.duration(value);
    };
  }
}
