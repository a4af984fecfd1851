package dev.anneal.failure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ExhaustedTest {
  private static int deeper(int depth) {
    return depth < 0 ? 0 : 1 + deeper(depth + 1);
  }

  private static long[] heap() {
    return new long[Integer.MAX_VALUE];
  }

  /** Each is one line that says what to do, with exit code 1. */
  @Test
  void everyErrorOfTheJvmIsOneLine() {
    List<VirtualMachineError> errors =
        List.of(
            assertThrows(StackOverflowError.class, () -> deeper(0)),
            assertThrows(OutOfMemoryError.class, ExhaustedTest::heap),
            new OutOfMemoryError("Java heap space"),
            new OutOfMemoryError("unable to create native thread"),
            new OutOfMemoryError("Direct buffer memory"),
            new InternalError("x"));
    for (VirtualMachineError error : errors) {
      Failure failure = Exhausted.of(error);
      assertEquals(ExitCode.FAILED, failure.exitCode());
      assertEquals(1, failure.getMessage().lines().count());
    }
    assertTrue(Exhausted.of(errors.getFirst()).getMessage().contains("-Xss"));
    assertTrue(Exhausted.of(errors.get(2)).getMessage().contains("-Xmx"));
    assertTrue(Exhausted.of(errors.get(3)).getMessage().contains("lower threads"));
  }
}
