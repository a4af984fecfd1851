package dev.anneal.plan;

/**
 * How an op comes to its results: on this depends how near a device can come to what is right, and
 * whether arithmetic or memory decides how long it takes.
 */
public enum Arithmetic {
  /** Each element comes from a few numbers, whatever the shapes. */
  ELEMENTWISE,
  /** The same, from a sum of terms that may nearly cancel. */
  CANCELLING,
  /** Sums of as many numbers as the shapes say. */
  SUM,
  /** A product of matrices. */
  PRODUCT,
  /** A product of matrices of 8 bits. */
  PRODUCT_OF_8_BITS,
  /** Products, between which are weights that may be rounded as results are. */
  ATTENTION,
  /** The same of few tokens to many that are read once, so memory decides. */
  CACHED_ATTENTION,
  /** Products of results that were rounded before: logits, and their gradients. */
  CLASSIFIER;

  /** Whether a result is held against its own scale, and not in norm. */
  public boolean isElementwise() {
    return this == ELEMENTWISE || this == CANCELLING;
  }

  /** Whether its time goes into products of matrices. */
  public boolean isProduct() {
    return switch (this) {
      case PRODUCT, PRODUCT_OF_8_BITS, ATTENTION, CLASSIFIER -> true;
      case ELEMENTWISE, CANCELLING, SUM, CACHED_ATTENTION -> false;
    };
  }

  /** Whether its operands of fp32 are rounded where {@link Multiplication#TF32} is asked for. */
  public boolean takesTf32() {
    return this == PRODUCT || this == CLASSIFIER;
  }
}
