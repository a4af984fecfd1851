package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who looks at a run leaves it as it is, byte for byte. */
class LookingWritesNothingTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void train() {
    cli = new Cli(temp);
    cli.ok(cli.train("run", "--steps 6 --checkpoint-every 2 --keep 0 --val-every 2"));
  }

  @Test
  void aFinishedRunIsAsItWas() throws IOException {
    Map<String, String> before = cli.files("run");
    String run = cli.path("run").toString();
    for (String line :
        new String[] {
          "status " + run,
          "plot --run " + run,
          "runs " + temp,
          "dashboard --once " + run,
          "sample --checkpoint " + run + " --tokens 3 a",
          "export " + run + " " + cli.path("model.bin"),
          "chat " + run
        }) {
      Cli.Result result = cli.run(line);
      assertTrue(result.code() == 0 || result.code() == 2, line + result.all());
      assertEquals(before, cli.files("run"), line);
    }
    Cli.Result looked =
        cli.script(
            "load %s; status; sample --tokens 3 a; inspect wte.weight; show run; plot; wait; stop"
                .formatted(run));
    assertEquals(0, looked.code(), looked.all());
    assertTrue(looked.out().contains("run  done  step 6/6"), looked.out());
    assertFalse(looked.all().contains("stopped"), looked.all());
    assertEquals(before, cli.files("run"));
  }

  @Test
  void anUnfinishedOneIsPausedAndLeftAlone() throws IOException {
    cli.ok(cli.train("half", "--steps 6 --until 'step>=3' --val-every 0"));
    Map<String, String> before = cli.files("half");
    Cli.Result result =
        cli.script("load " + cli.path("half") + "; status; load " + cli.path("run"));
    assertEquals(0, result.code(), "another may take its place: " + result.all());
    assertTrue(result.out().contains("half  paused  step 3/6"), result.out());
    assertEquals(before, cli.files("half"));
  }

  @Test
  void rewindAndBranchLeaveTheFirstRun() throws IOException {
    Map<String, String> before = cli.files("run");
    Cli.Result result =
        cli.script(
            "load " + cli.path("run") + "; rewind 3; status; branch other; set lr 0.1; step 2");
    assertEquals(0, result.code(), result.all());
    assertTrue(result.out().contains("run  paused  step 3/6"), result.out());
    assertEquals(before, cli.files("run"));
    assertEquals(2 + 6, cli.events("other", "step").size(), "with the steps of the first");
    assertEquals(1, cli.events("other", "rewound").size());
    assertTrue(Files.isDirectory(cli.path("other/step_5")));
    // The same of one that was trained just now.
    result =
        cli.script(
            cli.train("live", "--steps 6 --checkpoint-every 2 --keep 0")
                + "; rewind 3; branch second; step");
    assertEquals(0, result.code(), result.all());
    assertEquals(0, cli.events("live", "rewound").size());
    assertTrue(cli.ok("status " + cli.path("live")).out().contains("live  done  step 6/6"));
  }

  @Test
  void itIsWrittenToWhenItGoesOn() throws IOException {
    cli.ok(cli.train("half", "--steps 6 --until 'step>=3' --val-every 0"));
    Cli.Result result = cli.script("load " + cli.path("half") + "; step; stop");
    assertEquals(0, result.code(), result.all());
    assertEquals(4, cli.events("half", "step").size());
    assertEquals(2, cli.events("half", "started").size());
    assertTrue(Files.isDirectory(cli.path("half/step_4")));
    // Where there is no space to write, or no right to, it can still be looked at.
    Files.delete(cli.path("half/run.lock"));
    Files.createDirectory(cli.path("half/run.lock"));
    result = cli.script("load " + cli.path("half") + "; sample --tokens 2 a");
    assertEquals(0, result.code(), result.all());
    result = cli.script("load " + cli.path("half") + "; resume; wait");
    assertEquals(1, result.code(), "going on needs the lock: " + result.all());
  }
}
