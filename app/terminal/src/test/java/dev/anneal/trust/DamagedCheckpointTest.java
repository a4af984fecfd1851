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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A checkpoint that is not as it was saved: one rule for whoever meets it. */
class DamagedCheckpointTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void open() {
    cli = new Cli(temp);
  }

  /** Checkpoints 2, 4 and 6 of a run of 8 steps. */
  private void trainTo6() {
    cli.ok(cli.train("run", "--steps 8 --until 'step>=6' --checkpoint-every 2 --keep 0"));
  }

  private void damage(String how, String checkpoint) throws IOException {
    switch (how) {
      case "flipped tensor" -> cli.flip(checkpoint + "/model.safetensors", -5);
      case "flipped moment" -> cli.flip(checkpoint + "/optimizer.safetensors", -5);
      case "flipped manifest" -> cli.flip(checkpoint + "/manifest.json", 40);
      case "cut tensor" -> cli.cut(checkpoint + "/model.safetensors");
      case "cut manifest" -> cli.cut(checkpoint + "/manifest.json");
      case "missing file" -> Files.delete(cli.path(checkpoint + "/optimizer.safetensors"));
      case "missing manifest" -> Files.delete(cli.path(checkpoint + "/manifest.json"));
      default -> throw new IllegalArgumentException(how);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "flipped tensor",
        "flipped moment",
        "flipped manifest",
        "cut tensor",
        "cut manifest",
        "missing file",
        "missing manifest"
      })
  void isNamedSetAsideAndTrainedAgain(String how) throws IOException {
    cli.ok(cli.train("whole", "--steps 8 --checkpoint-every 2 --keep 0"));
    trainTo6();
    damage(how, "run/step_6");
    Cli.Result sample = cli.ok("sample --checkpoint " + cli.path("run") + " --tokens 3 a");
    assertTrue(sample.err().contains("run/step_6/"), sample.err());
    assertTrue(sample.err().contains("using " + cli.path("run/step_4") + " instead"), sample.err());
    assertTrue(Files.exists(cli.path("run/step_6")), "who reads changes nothing");
    Cli.Result resumed = cli.ok("train --resume " + cli.path("run"));
    assertTrue(
        resumed.err().contains("it is now step_6.damaged, going on from step 4"), resumed.err());
    assertTrue(Files.isDirectory(cli.path("run/step_6.damaged")));
    assertTrue(cli.events("run", "warning").getFirst().contains("step_6.damaged"));
    for (String file : List.of("model.safetensors", "optimizer.safetensors")) {
      assertEquals(
          -1,
          Files.mismatch(cli.path("whole/step_8/" + file), cli.path("run/step_8/" + file)),
          file);
    }
  }

  @Test
  void theStepOfADamagedOneIsReachedLater() throws IOException {
    trainTo6();
    damage("flipped tensor", "run/step_4");
    damage("cut manifest", "run/step_2");
    Cli.Result result =
        cli.script("load " + cli.path("run") + "; rewind 1; set val_every 0; step 7; save");
    assertEquals(0, result.code(), result.err());
    for (String step : List.of("step_2", "step_4")) {
      assertTrue(result.err().contains("it is now " + step + ".damaged, saving it anew"));
      assertTrue(Files.exists(cli.path("run/" + step + "/manifest.json")));
    }
  }

  @Test
  void rewindPassesOverIt() throws IOException {
    trainTo6();
    damage("flipped tensor", "run/step_4");
    Cli.Result result =
        cli.script("load " + cli.path("run") + "; step; rewind 5; save; rewind 4; save");
    assertEquals(0, result.code(), result.err());
    assertTrue(result.err().contains("step_4.damaged, going on from step 2"), result.err());
    assertTrue(Files.exists(cli.path("run/step_4/manifest.json")), "saved anew");
  }

  @Test
  void pruningKeepsTheLastWholeOne() throws IOException {
    trainTo6();
    damage("flipped tensor", "run/step_4");
    damage("cut manifest", "run/step_2");
    Cli.Result result =
        cli.script("load " + cli.path("run") + "; set keep 2; step; save; step; save");
    assertEquals(0, result.code(), result.err());
    assertTrue(Files.exists(cli.path("run/step_8")) && Files.exists(cli.path("run/step_7")));
    assertTrue(Files.exists(cli.path("run/step_2")), "damaged ones are left to look at");
    assertFalse(Files.exists(cli.path("run/step_6")));
  }

  @Test
  void oneThatIsNamedIsRefusedAndTheNextWholeOneNamed() throws IOException {
    trainTo6();
    damage("flipped tensor", "run/step_4");
    for (String command :
        List.of(
            "sample --checkpoint %s --tokens 3 a",
            "export %s " + cli.path("model.bin"), "train --resume %s")) {
      Cli.Result result = cli.run(command.formatted(cli.path("run/step_4")));
      assertEquals(1, result.code(), command);
      assertEquals(1, result.err().lines().count(), result.err());
      assertTrue(result.err().contains("step_4/model.safetensors is damaged"), result.err());
      assertTrue(
          result.err().contains("the next whole one is " + cli.path("run/step_2")), result.err());
    }
    assertTrue(Files.isDirectory(cli.path("run/step_4")));
    assertFalse(Files.exists(cli.path("run/step_4/run.lock")));
  }

  @Test
  void withoutAnyWholeOneNothingIsTouched() throws IOException {
    trainTo6();
    for (String step : List.of("step_2", "step_4", "step_6")) {
      damage("cut manifest", "run/" + step);
    }
    Cli.Result result = cli.run("train --resume " + cli.path("run"));
    assertEquals(1, result.code());
    assertTrue(result.err().contains("restore one from a copy, or train anew"), result.err());
    assertTrue(Files.isDirectory(cli.path("run/step_6")));
    Cli.Result over = cli.run(cli.train("run", "--steps 2"));
    assertEquals(1, over.code(), "damaged checkpoints may be mended: nothing begins over them");
  }
}
