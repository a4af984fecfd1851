package dev.anneal.terminal.frame;

/** What a cell means; a {@link Palette} says how that looks. */
public enum Style {
  PLAIN,
  /** Less important than the rest. */
  DIM,
  BOLD,
  TITLE,
  BORDER,
  /** The bar across the top. */
  HEADER,
  SELECTED,
  GOOD,
  WARN,
  BAD,
  SERIES_1,
  SERIES_2,
  SERIES_3,
  SERIES_4,
  SERIES_5,
  SERIES_6;

  private static final Style[] SERIES = {
    SERIES_1, SERIES_2, SERIES_3, SERIES_4, SERIES_5, SERIES_6
  };

  /** The style of the i-th curve, from 0. */
  public static Style series(int i) {
    return SERIES[i % SERIES.length];
  }
}
