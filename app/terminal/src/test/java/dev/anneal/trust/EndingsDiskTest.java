package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that does not take all that a run has to say does not end the run. */
class EndingsDiskTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void open() {
    cli = new Cli(temp);
  }

  /** One of the logs is on a device without room. */
  @Test
  void aLogThatCannotBeWrittenWarnsOnceAndTheRunIsSaved() throws IOException {
    assumeTrue(Files.exists(Path.of("/dev/full")));
    Path run = Files.createDirectory(cli.path("run"));
    Files.createSymbolicLink(run.resolve("main.log"), Path.of("/dev/full"));
    Cli.Result result = cli.ok(cli.train("run", "--steps 5 --checkpoint-every 2 --keep 0"));
    List<String> warnings = result.err().lines().filter(l -> l.contains("warning")).toList();
    assertEquals(1, warnings.size(), result.err());
    assertTrue(warnings.getFirst().contains("No space left on device"), warnings.getFirst());
    assertEquals(5, cli.events("run", "step").size(), "the other log has every step");
    assertTrue(
        Files.isDirectory(run.resolve("step_5")) && Files.isDirectory(run.resolve("step_4")));
  }

  private static boolean mount(String... words) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    process.getInputStream().readAllBytes();
    return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
  }

  /** What something is mounted on cannot be renamed, not even by root. */
  @Test
  void anOldCheckpointThatCannotBeDeletedWarnsAndTheRunGoesOn() throws Exception {
    cli.ok(cli.train("run", "--steps 6 --until 'step>=2' --checkpoint-every 2 --keep 1"));
    String old = cli.path("run/step_2").toString();
    assumeTrue(mount("mount", "--bind", old, old), "only root mounts");
    try {
      Cli.Result result = cli.ok("train --resume " + cli.path("run"));
      assertTrue(result.err().contains("cannot delete the old checkpoint " + old), result.err());
      assertTrue(Files.isDirectory(cli.path("run/step_6")));
    } finally {
      mount("umount", old);
    }
  }
}
