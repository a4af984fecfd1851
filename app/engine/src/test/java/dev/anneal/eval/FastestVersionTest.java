package dev.anneal.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.KernelFamily;
import dev.anneal.plan.Op;
import dev.anneal.reference.Tolerance;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which version a bench chooses. */
class FastestVersionTest {
  private static final KernelFamily FAMILY =
      KernelFamily.of("add", Op.Add.class, "plain", "packs", "packs again");

  private static KernelBench.Version version(
      int number, double nanos, double spread, double error) {
    return new KernelBench.Version(
        FAMILY,
        number,
        error,
        new Tolerance(true, 1),
        Optional.empty(),
        nanos,
        spread,
        1,
        1,
        1,
        Optional.empty());
  }

  private static int fastest(KernelBench.Version... versions) {
    return KernelBench.fastest(List.of(versions)).getOrDefault("add", 0);
  }

  @Test
  void isTheFastest() {
    assertEquals(2, fastest(version(1, 900, 0.01, 0), version(2, 300, 0.01, 0)));
    assertEquals(1, fastest(version(1, 300, 0.01, 0), version(2, 900, 0.01, 0)));
  }

  /** Two of the same code differ by noise, which would decide for ever. */
  @Test
  void isTheHighestOfThoseThatDifferByNoise() {
    assertEquals(3, fastest(version(1, 900, 0, 0), version(2, 300, 0, 0), version(3, 308, 0, 0)));
    assertEquals(2, fastest(version(1, 250, 0.2, 0), version(2, 300, 0.01, 0)), "a noisy one");
    assertEquals(2, fastest(version(2, 300, 0, 0), version(1, 299, 0, 0)), "in any order");
  }

  @Test
  void isCorrect() {
    assertEquals(1, fastest(version(1, 900, 0, 0), version(2, 300, 0, 1e9)));
    assertEquals(Map.of(), KernelBench.fastest(List.of(version(1, 900, 0, 1e9))));
  }
}
