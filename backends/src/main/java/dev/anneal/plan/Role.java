package dev.anneal.plan;

/**
 * What a tensor is to its model, as whoever makes it says; so that nobody has to ask its name. Its
 * gradient, its copies and its moments have the same role.
 */
public enum Role {
  /** A row per token or per position, of which a step reads a few. */
  EMBEDDING,
  /** The weight of a linear layer, (out, in). */
  MATRIX,
  /** The scale or the shift of a norm. */
  NORM,
  /** What a linear layer adds. */
  BIAS,
  /** No parameter: an activation, an input, a cache. */
  OTHER;

  /** Whether weight decay applies: to what multiplies, and not to what scales or shifts. */
  public boolean decays() {
    return switch (this) {
      case EMBEDDING, MATRIX -> true;
      case NORM, BIAS, OTHER -> false;
    };
  }
}
