package dev.anneal.gpu;

import dev.anneal.failure.Failure;
import dev.anneal.launch.Product;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Which products have several algorithms of a library tried. */
public enum TrialScope {
  OFF,
  /** Those that take a GPU longer than it takes to be told of them. */
  LARGE,
  ALL;

  /** The variable of the environment that says it. */
  public static final String VARIABLE = "ANNEAL_PRODUCT_TRIALS";

  /** Multiplications from which on a product is large. */
  private static final long LARGEST_SMALL = 1L << 24;

  /**
   * What {@link #VARIABLE} says; large ones where it says nothing.
   *
   * @throws Failure when it is none of these
   */
  public static TrialScope of(Map<String, String> environment) {
    String text = environment.getOrDefault(VARIABLE, "");
    if (text.isEmpty()) {
      return LARGE;
    }
    return Arrays.stream(values())
        .filter(scope -> scope.word().equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                Failure.usage(
                    VARIABLE
                        + " is '"
                        + text
                        + "'; expected "
                        + Arrays.stream(values())
                            .map(TrialScope::word)
                            .collect(Collectors.joining(", "))));
  }

  /**
   * In a line.
   *
   * @param kept where results are
   */
  public String said(Path kept) {
    String products =
        switch (this) {
          case OFF -> "the library's first algorithm multiplies";
          case LARGE -> "a library's algorithms are tried for products of 2^24 and more";
          case ALL -> "a library's algorithms are tried for all products";
        };
    return products
        + (this == OFF ? "" : ", and kept in " + kept)
        + " ("
        + VARIABLE
        + "="
        + word()
        + "; there are off, large and all)";
  }

  private String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean has(Product p) {
    return switch (this) {
      case OFF -> false;
      case LARGE -> (long) p.m() * p.n() * p.k() >= LARGEST_SMALL;
      case ALL -> true;
    };
  }
}
