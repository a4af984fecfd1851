package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint that is given where a run is meant. */
class CheckpointIsNoRunTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void open() {
    cli = new Cli(temp);
    cli.ok(cli.train("run", "--steps 8 --until 'step>=6' --checkpoint-every 2 --keep 0"));
  }

  @Test
  void theNewestGoesOnAsItsRun() throws IOException {
    cli.ok("train --resume " + cli.path("run/step_6"));
    assertTrue(Files.isDirectory(cli.path("run/step_8")));
    assertFalse(Files.exists(cli.path("run/step_6/run.lock")));
    assertFalse(Files.exists(cli.path("run/step_6/log.jsonl")));
    assertEquals(8, cli.events("run", "step").size());
  }

  @Test
  void anEarlierOneIsRefusedWithAWayThatWorks() throws IOException {
    for (String command : List.of("train --resume %s", "chat %s", "-c 'load %s'")) {
      Cli.Result result = cli.run(command.formatted(cli.path("run/step_4")));
      assertEquals(1, result.code(), command + result.all());
      assertTrue(result.err().contains("its run, which has step 6"), result.err());
      assertTrue(
          result.err().contains("train --resume " + cli.path("run/step_4") + " --out NEW"),
          result.err());
    }
    assertEquals(
        List.of("manifest.json", "model.safetensors", "optimizer.safetensors"),
        Files.list(cli.path("run/step_4")).map(f -> f.getFileName().toString()).sorted().toList());
    cli.ok("train --resume " + cli.path("run"));
  }

  @Test
  void oneOutsideOfARunBeginsNone() throws IOException {
    Files.move(cli.path("run/step_6"), cli.path("step_6"));
    Cli.Result result = cli.run("train --resume " + cli.path("step_6"));
    assertEquals(1, result.code());
    assertTrue(result.err().contains("outside of a run"), result.err());
    assertFalse(Files.exists(temp.resolve("run.lock")));
    cli.ok("sample --checkpoint " + cli.path("step_6") + " --tokens 3 a");
  }
}
