package dev.anneal.eval.selftest;

import dev.anneal.eval.selftest.Finding.Measured;
import java.util.Optional;

/**
 * How a check ended.
 *
 * @param name of the check
 * @param dtype of the device's tensors
 * @param measured the largest error and its limit; empty when it was skipped or failed
 * @param millis on the device, with compiling
 * @param reason why it was skipped or failed, or what was wrong
 */
public record Report(
    String name,
    String dtype,
    Outcome outcome,
    Optional<Measured> measured,
    double millis,
    Optional<String> reason) {

  /** What a check can come to. */
  public enum Outcome {
    OK("ok"),
    /** The numbers are beyond their tolerance, or the bits differ. */
    WRONG("WRONG"),
    /** The device cannot do it and need not, or was not asked. */
    SKIPPED("skipped"),
    /** The device or a library gave an error. */
    FAILED("FAILED");

    private final String word;

    Outcome(String word) {
      this.word = word;
    }

    /** The word for it in lines and JSON. */
    public String word() {
      return word;
    }
  }
}
