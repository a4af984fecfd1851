package dev.anneal.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KernelVersionsTest {
  private final KernelVersions versions =
      new KernelVersions(
          new CudaMachine(
              "cuda", new Hardware(32, 0, 0), Optional.of("cuBLASLt"), Optional.empty()),
          Language.CUDA);

  /** Somebody's choice stands, whatever a bench found. */
  @Test
  void whatIsPreferredDoesNotChangeWhatWasChosen() {
    versions.choose(Map.of("adamw", 1));
    versions.prefer(Map.of("adamw", 2, "add", 1));
    assertEquals(1, versions.of("adamw"));
    assertEquals(1, versions.of("add"));
  }

  /** Preferences of one kind of step do not outlive it. */
  @Test
  void theNextPreferencesBeginAnew() {
    Map<String, Integer> first = versions.all();
    versions.prefer(Map.of("add", 1, "matmul_forward", 2));
    versions.prefer(Map.of());
    assertEquals(first, versions.all());
  }

  /** Measured by another version of ours, perhaps. */
  @Test
  void whatThereIsNotIsLeftOut() {
    Map<String, Integer> first = versions.all();
    versions.prefer(Map.of("add", 9, "adamw", 0, "nonsense", 1));
    assertEquals(first, versions.all());
  }
}
