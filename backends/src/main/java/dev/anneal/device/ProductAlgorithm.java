package dev.anneal.device;

/**
 * What a library multiplies one kind of matrices with; the bits of a run depend on it.
 *
 * @param product sizes, formats, and what is done with it at once
 * @param library with its version
 * @param algorithm as the library knows it, in hexadecimal digits
 * @param tried algorithms that were run, 0 when none was
 * @param dropped those of them that were refused, or had other bits in another run
 * @param nanos that it took
 * @param firstNanos what the library's own first choice took; 0 when that was dropped
 */
public record ProductAlgorithm(
    String product,
    String library,
    String algorithm,
    Source source,
    int tried,
    int dropped,
    double nanos,
    double firstNanos) {

  /** How it was chosen. */
  public enum Source {
    /** The library's own first choice: nothing was tried. */
    FIRST("the library's first"),
    /** The fastest of those that were tried now. */
    TRIAL("tried"),
    /** As a trial of before found it. */
    KEPT("tried before"),
    /** As the run had it that goes on. */
    RUN("as the run had it");

    private final String words;

    Source(String words) {
      this.words = words;
    }

    public String words() {
      return words;
    }
  }

  /** How many times faster it is than the library's own first choice; 1 where that isn't known. */
  public double gain() {
    return nanos > 0 && firstNanos > 0 ? firstNanos / nanos : 1;
  }

  /** What a run's record keeps of it. */
  public String recorded() {
    return library + ": " + algorithm;
  }
}
