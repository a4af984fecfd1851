package dev.anneal.run.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DiskRoomTest {
  private static final long MIB = 1 << 20;

  private static Optional<String> check(int more, long freeMiB) {
    return new DiskRoom(Path.of("run"), 10 * MIB, more, freeMiB * MIB).check();
  }

  @Test
  void saysWhatIsNeededAndWhatThereIs() {
    assertEquals(Optional.empty(), check(3, 31));
    String warning = check(3, 30).orElseThrow();
    assertTrue(warning.contains("30 MiB free"), warning);
    assertTrue(warning.contains("3 checkpoints of 10 MiB"), warning);
    String refused = assertThrows(Failure.class, () -> check(3, 10)).getMessage();
    assertTrue(refused.contains("10 MiB free, and a checkpoint of this run takes 10 MiB"), refused);
  }
}
