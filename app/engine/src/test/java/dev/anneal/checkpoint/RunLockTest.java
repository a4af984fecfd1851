package dev.anneal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLockTest {
  @TempDir Path directory;

  @Test
  void oneProcessHasItAtATime() {
    Path run = directory.resolve("new/run");
    try (RunLock lock = RunLock.acquire(run)) {
      String message = assertThrows(Failure.class, () -> RunLock.acquire(run)).getMessage();
      assertTrue(message.contains("process " + ProcessHandle.current().pid()), message);
      // A refused attempt must not have given up the first lock.
      assertThrows(Failure.class, () -> RunLock.acquire(run));
      assertEquals(1, otherProcess(run).code());
    }
    RunLock.acquire(run).close();
    assertEquals(0, otherProcess(run).code());
  }

  @Test
  void theHolderIsNamed() {
    try (RunLock lock = RunLock.acquire(directory)) {
      String said = otherProcess(directory).output();
      assertTrue(said.contains(directory + " is in use by process "), said);
      assertTrue(said.contains("process " + ProcessHandle.current().pid() + " on "), said);
      assertTrue(said.contains(", started 2"), said);
    }
  }

  @Test
  void aFileThatWasLeftHoldsNobodyUp() throws IOException {
    Files.writeString(directory.resolve("run.lock"), "process 1 on x, started 2020");
    RunLock.acquire(directory).close();
  }

  private record Ended(int code, String output) {}

  /** Tries to take the lock in another process. */
  private static Ended otherProcess(Path run) {
    try {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  RunLockTest.class.getName(),
                  run.toString())
              .redirectErrorStream(true)
              .start();
      String output = new String(process.getInputStream().readAllBytes());
      return new Ended(process.waitFor(), output);
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What the other process runs. */
  public static void main(String[] args) {
    try (RunLock lock = RunLock.acquire(Path.of(args[0]))) {
      System.exit(0);
    } catch (Failure e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }
}
