package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.anneal.failure.Failure;
import org.junit.jupiter.api.Test;

class LargeStackTest {
  private static int depth(int n) {
    return n == 0 ? 0 : 1 + depth(n - 1);
  }

  /** Deeper than a thread of the JVM goes by itself. */
  @Test
  void goesDeep() {
    assertEquals(60_000, LargeStack.call(() -> depth(60_000)));
  }

  @Test
  void passesOnWhatIsThrown() {
    Failure thrown = Failure.failed("it does not compile");
    assertEquals(
        thrown,
        assertThrows(
            Failure.class,
            () ->
                LargeStack.call(
                    () -> {
                      throw thrown;
                    })));
  }
}
