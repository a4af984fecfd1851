package dev.anneal.terminal.live;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.model.Gpt2;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.RunPlans;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.terminal.dashboard.Scene.BackendRow;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.training.Schedule;
import dev.anneal.trust.WrongBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
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
              () ->
                  shell.run("compare cpu wrong --steps 1000 --warmup 0 --kernel gelu_forward=v5"));
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

  /** What a run in bf16 on another device shows when the CPU and the wrong one have fp32 only. */
  @Test
  void aDeviceWithoutTheRunsPrecisionIsARow() throws IOException {
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog\n".repeat(50));
    RunConfig config =
        new RunConfig(
            // Of heads of 17, whose kernels the tests of the backends have compiled before.
            new Gpt2.Config(1, 2, 34, 8, 256),
            new RunConfig.Data(Optional.of(text.toString()), Optional.empty(), "byte"),
            2,
            8,
            1,
            new Schedule(Schedule.Known.CONSTANT, 1e-3, 0, 10, 1),
            AdamW.defaults(),
            Recompute.NONE,
            Precision.BF16,
            1,
            new RunConfig.Intervals(0, 1, 0, 0, 0, 1));
    List<BackendRow> rows =
        BackendComparison.compared(
            RunPlans.comparison(config, Corpus.open(config, Optional.empty())), 0, () -> false);
    assertEquals("cpu", rows.getFirst().backend());
    assertEquals("reference", rows.getFirst().state());
    assertTrue(rows.getFirst().stepMs().isPresent());
    BackendRow wrong =
        rows.stream().filter(row -> row.backend().equals("wrong")).findFirst().orElseThrow();
    assertEquals("has no bf16", wrong.state());
    assertTrue(wrong.stepMs().isEmpty());
  }
}
