package dev.anneal.terminal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.run.LiveSetting;
import dev.anneal.terminal.shell.TinyShell;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings of a live run. */
class LiveSettingsTest {
  @TempDir private Path temp;

  @Test
  void changesAndListsAndRefuses() {
    try (TinyShell shell = new TinyShell(temp)) {
      assertEquals(2, shell.run("set lr 1e-3").code(), "without a run");
      shell.ok(shell.train("run", "--steps 50 --lr 0.01 --paused"));
      shell.ok("pause");
      String list = shell.ok("set");
      for (LiveSetting setting : LiveSetting.values()) {
        assertTrue(list.contains(setting.key()), list);
      }
      for (String change :
          new String[] {
            "lr 0.002",
            "val-every 7",
            "val_batches 3",
            "sample_every 9",
            "sample_tokens 5",
            "checkpoint_every 4",
            "keep 0",
            "temperature 0",
            "top_k 11",
            "TOP_P 0.5",
            "seed -5"
          }) {
        String said = shell.ok("set " + change);
        String value = change.split(" ")[1];
        assertTrue(said.lines().findFirst().get().contains("-> " + value + " from step"), said);
      }
      assertTrue(shell.ok("set").contains("top_p              0.5"));
      for (String bad :
          new String[] {
            "lr|lr needs a value",
            "lr fast|'fast'",
            "lr -1|-1",
            "lr 0|0",
            "lr NaN|NaN",
            "lr Infinity|Infinity",
            "rl 1|did you mean lr?",
            "nosuch 1|temperature",
            "val_every -1|-1",
            "val_every 1.5|1.5",
            "val_every 9999999999|9999999999",
            "val_batches 0|0",
            "temperature -0.1|-0.1",
            "temperature NaN|NaN",
            "top_k -1|-1",
            "top_p 1.5|1.5",
            "top_p 0|0",
            "seed x|'x'",
            "kernel nosuch=v1|nosuch",
            "lr 1 2|2"
          }) {
        String[] parts = bad.split("\\|");
        TinyShell.Result result = shell.run("set " + parts[0]);
        assertEquals(2, result.code(), bad + " " + result.out() + result.err());
        assertTrue(result.errorLine().contains(parts[1]), bad + " " + result.err());
      }
      assertTrue(shell.ok("set").contains("lr                 0.002"), shell.ok("set"));
      shell.ok("step 2");
    }
  }

  @Test
  void aKernelThatDoesNotCompileLeavesTheRunAsItWas() {
    try (TinyShell shell = new TinyShell(temp)) {
      String train = shell.train("run", "--steps 50 --paused --backend wrong");
      shell.ok(train.replace(" --threads 1", ""));
      shell.ok("step 1");
      shell.ok("set kernel gelu_forward=v2");
      TinyShell.Result result = shell.run("set kernel gelu_forward=v4");
      assertEquals(1, result.code());
      assertTrue(result.errorLine().contains("v4 does not compile"), result.err());
      assertTrue(shell.ok("step 1").startsWith("step 2"));
      assertTrue(
          shell.ok("set kernel gelu_forward=v1").contains("v2 -> v1"), "the version before v4");
      shell.ok("sample --tokens 2 the; step 1");
    }
  }
}
