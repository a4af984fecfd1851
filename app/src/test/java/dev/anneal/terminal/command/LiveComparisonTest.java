package dev.anneal.terminal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.eval.WrongBackend;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices beside each other on the next steps of a paused run. */
class LiveComparisonTest {
  @TempDir private Path temp;

  /** Ctrl-C in the middle of a step: the devices stay open until the run is done with them. */
  @Test
  void aCancelledOneLetsGoOfItsDevicesLast() throws InterruptedException {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 20 --paused"));
      CompletableFuture<TinyShell.Result> comparison =
          CompletableFuture.supplyAsync(
              () -> shell.run("compare cpu wrong --steps 1000 --kernel gelu_forward=v5"));
      while (!shell.said().contains("step 1 of")) {
        assertFalse(comparison.isDone(), shell.said());
        Thread.sleep(5);
      }
      shell.shell().cancel();
      TinyShell.Result result = comparison.join();
      assertEquals(130, result.code());
      assertEquals("", result.out());
      assertTrue(result.err().endsWith("cancelled\n"), result.err());
      shell.ok("step 1");
      assertFalse(WrongBackend.wasUsedAfterClose());
    }
  }
}
