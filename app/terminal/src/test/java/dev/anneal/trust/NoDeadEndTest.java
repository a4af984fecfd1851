package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.checkpoint.RunLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every piece of advice leads to something that works. */
class NoDeadEndTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void open() {
    cli = new Cli(temp);
  }

  /** What a run that was killed before its first checkpoint leaves. */
  private void killedBeforeTheFirst() throws IOException {
    cli.ok(cli.train("run", "--steps 4 --keep 0"));
    try (Stream<Path> files = Files.walk(cli.path("run/step_4"))) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    }
    Files.createDirectory(cli.path("run/step_2.tmp-999999999-1"));
  }

  @Test
  void aRunKilledBeforeItsFirstCheckpointBeginsAgain() throws IOException {
    cli.ok(cli.train("whole", "--steps 4 --keep 0"));
    killedBeforeTheFirst();
    Cli.Result sample = cli.run("sample --checkpoint " + cli.path("run") + " a");
    assertEquals(1, sample.code());
    assertTrue(
        sample.err().contains("begin it again: train --resume " + cli.path("run")), sample.err());
    cli.ok("train --resume " + cli.path("run"));
    assertSameWeights("whole/step_4", "run/step_4");
    killedBeforeTheFirstAgain();
    cli.ok(cli.train("run", "--steps 4 --keep 0"));
    assertSameWeights("whole/step_4", "run/step_4");
  }

  private void killedBeforeTheFirstAgain() throws IOException {
    try (Stream<Path> files = Files.walk(cli.path("run/step_4"))) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    }
  }

  private void assertSameWeights(String a, String b) throws IOException {
    assertEquals(
        -1, Files.mismatch(cli.path(a + "/model.safetensors"), cli.path(b + "/model.safetensors")));
  }

  @Test
  void withoutARecordOfItsSettingsTheOtherAdviceWorks() throws IOException {
    killedBeforeTheFirst();
    Files.delete(cli.path("run/config.json"));
    Cli.Result resume = cli.run("train --resume " + cli.path("run"));
    assertEquals(1, resume.code());
    assertTrue(resume.err().contains("train --out " + cli.path("run")), resume.err());
    cli.ok(cli.train("run", "--steps 2"));
  }

  @Test
  void whatIsRefusedLeavesNoFolder() {
    for (String wrong :
        List.of(
            "--data /no/such/file",
            "--channels 65",
            "--batch 1000000 --seq 16",
            "--tokenizer none")) {
      Cli.Result result = cli.run(cli.train("run", "--steps 2 " + wrong + " "));
      assertTrue(result.code() != 0, wrong);
      assertFalse(Files.exists(cli.path("run")), wrong + result.err());
    }
  }

  @Test
  void aFolderWithARunOrOthersFilesIsNotBegunIn() throws IOException {
    cli.ok(cli.train("run", "--steps 2"));
    Cli.Result again = cli.run(cli.train("run", "--steps 2"));
    assertEquals(1, again.code());
    assertTrue(again.err().contains("go on with it by --resume " + cli.path("run")), again.err());
    Files.createDirectory(cli.path("mine"));
    Files.writeString(cli.path("mine/thesis.txt"), "all of it");
    Cli.Result mine = cli.run(cli.train("mine", "--steps 2"));
    assertEquals(1, mine.code());
    assertTrue(mine.err().contains("there is thesis.txt"), mine.err());
    Cli.Result resume = cli.run("train --resume " + cli.path("mine"));
    assertEquals(1, resume.code());
    assertTrue(resume.err().contains("has no run and no checkpoint in it"), resume.err());
    assertFalse(Files.exists(cli.path("mine/run.lock")));
  }

  @Test
  void aRunInProgressIsCalledThatByBoth() throws IOException {
    killedBeforeTheFirst();
    try (RunLock held = RunLock.acquire(cli.path("run"))) {
      String who = "process " + ProcessHandle.current().pid() + " on ";
      for (String command :
          List.of(
              cli.train("run", "--steps 4"),
              "train --resume " + cli.path("run"),
              "sample --checkpoint " + cli.path("run") + " a")) {
        Cli.Result result = cli.run(command);
        assertEquals(1, result.code(), command);
        assertTrue(result.err().contains(who), result.err());
        assertTrue(result.err().contains(", started 2"), result.err());
      }
    }
  }

  /** A run that saves and deletes as fast as it can is sampled as fast. */
  @Test
  void whatIsPrunedMeanwhileIsNoMissingCheckpoint() throws Exception {
    cli.ok(cli.train("run", "--steps 2"));
    Thread trains =
        Thread.ofPlatform()
            .start(() -> cli.ok(cli.train("fast", "--steps 300 --checkpoint-every 1 --keep 1")));
    while (!Files.exists(cli.path("fast")) || !hasCheckpoint()) {
      Thread.onSpinWait();
    }
    int samples = 0;
    while (trains.isAlive()) {
      cli.ok("sample --checkpoint " + cli.path("fast") + " --tokens 1 a");
      samples++;
    }
    trains.join();
    assertTrue(samples > 3, "only " + samples + " samples");
  }

  private boolean hasCheckpoint() throws IOException {
    try (Stream<Path> files = Files.list(cli.path("fast"))) {
      return files.anyMatch(f -> f.getFileName().toString().matches("step_\\d+"));
    }
  }
}
