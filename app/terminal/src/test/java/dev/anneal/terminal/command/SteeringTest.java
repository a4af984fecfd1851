package dev.anneal.terminal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.terminal.shell.TinyShell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that is paused, stepped, rewound, branched, changed and loaded. */
class SteeringTest {
  private static final String[] TENSORS = {
    "wte.weight '[:,:]'", "h.0.attn.c_attn.weight", "m.wte.weight", "v.wpe.weight", "logits"
  };
  @TempDir private Path temp;

  /** Every step's loss in a run's log, the last time it was made. */
  private Map<Integer, String> losses(String run) throws IOException {
    Map<Integer, String> losses = new TreeMap<>();
    for (JsonNode node : log(run)) {
      if (node.path("event").asText().equals("step")) {
        losses.put(node.path("step").asInt(), node.path("loss") + " " + node.path("grad_norm"));
      }
    }
    return losses;
  }

  private List<JsonNode> log(String run) throws IOException {
    return new TinyShell.Result(0, Files.readString(temp.resolve(run).resolve("log.jsonl")), "")
        .json();
  }

  private static String inspections(TinyShell shell) {
    StringBuilder all = new StringBuilder();
    for (String tensor : List.of(TENSORS)) {
      all.append(shell.ok("inspect " + tensor));
    }
    return all.toString();
  }

  private static String status(TinyShell shell) {
    return shell.ok("status").lines().findFirst().orElse("");
  }

  /** From a checkpoint in the middle, and from the very beginning. */
  @ParameterizedTest
  @ValueSource(strings = {"--checkpoint-every 4 --keep 0", ""})
  void rewindsBitForBit(String checkpoints) throws IOException {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 40 --lr 0.01 --paused " + checkpoints));
      shell.ok("pause; rewind 0; step 10");
      String before = inspections(shell);
      shell.ok("step 8");
      Map<Integer, String> first = losses("run");
      assertNotEquals(before, inspections(shell));
      assertTrue(shell.ok("rewind 10").contains("paused at step 10"));
      assertEquals(before, inspections(shell));
      assertTrue(status(shell).contains("paused  step 10/40"), status(shell));
      shell.ok("step 8");
      assertEquals(first, losses("run"));
      shell.ok("rewind 10; rewind 10");
      assertEquals(before, inspections(shell));
    }
  }

  @Test
  void rewindsARunThatHasEnded() {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 6"));
      shell.ok("wait");
      assertTrue(status(shell).contains("done  step 6/6"), status(shell));
      TinyShell.Result over = shell.run("step");
      assertEquals(1, over.code());
      assertTrue(over.errorLine().contains("rewind"), over.err());
      assertEquals(1, shell.run("resume").code());
      shell.ok("rewind 2; resume; wait");
      assertTrue(status(shell).contains("done  step 6/6"), status(shell));
    }
  }

  @Test
  void aBranchLeavesItsParentAsItWas() throws IOException {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(
          shell.train("parent", "--steps 30 --lr 0.01 --checkpoint-every 5 --keep 0 --paused"));
      shell.ok("pause; rewind 0; step 12; save");
      Map<String, Long> files = files("parent/step_12");
      String weights = inspections(shell);
      String parentLog = Files.readString(temp.resolve("parent/log.jsonl"));
      assertTrue(shell.ok("branch child").contains("child"));
      assertEquals(weights, inspections(shell));
      assertTrue(status(shell).startsWith("child  paused  step 12/30"), status(shell));
      shell.ok("set lr 0.5; step 6; stop");
      assertEquals(files, files("parent/step_12"));
      String log = Files.readString(temp.resolve("parent/log.jsonl"));
      assertTrue(log.startsWith(parentLog), log);
      assertTrue(
          log.substring(parentLog.length()).startsWith("{\"event\":\"branched\",\"step\":12"), log);
      assertEquals(18, losses("child").size());
      assertEquals(
          losses("parent").get(12), losses("child").get(12), "the past of both is the same");
      shell.ok("load " + temp.resolve("parent"));
      assertEquals(weights, inspections(shell));
      shell.ok("step 6");
      assertNotEquals(losses("parent").get(18), losses("child").get(18));
      for (String name : List.of("parent", "'a/b'", "''", ".hidden")) {
        TinyShell.Result taken = shell.run("branch " + name);
        assertNotEquals(0, taken.code());
        assertEquals(1, taken.err().lines().count(), taken.err());
      }
      assertTrue(status(shell).startsWith("parent  paused"), status(shell));
    }
  }

  /** Checkpoints with their sizes and times. */
  private Map<String, Long> files(String run) throws IOException {
    Map<String, Long> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(temp.resolve(run))) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        if (!file.getFileName().toString().equals("run.lock")) {
          files.put(file + " " + Files.size(file), Files.getLastModifiedTime(file).toMillis());
        }
      }
    }
    return files;
  }

  @Test
  void aChangedLearningRateIsLoggedAndSurvives() throws IOException {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 40 --lr 0.01 --schedule constant --paused"));
      shell.ok("pause; rewind 0; step 5; set lr 0.002; step 5; save");
      double changed = lr("run", 10);
      assertEquals(0.002, changed, 1e-9);
      assertEquals(0.01, lr("run", 5), 1e-9);
      JsonNode event =
          log("run").stream()
              .filter(n -> n.path("event").asText().equals("changed"))
              .findFirst()
              .get();
      assertEquals(
          "lr 0.01 0.002 5",
          event.path("setting").asText()
              + " "
              + event.path("from").asText()
              + " "
              + event.path("to").asText()
              + " "
              + event.path("step"));
      shell.ok("step 3");
      Map<Integer, String> first = losses("run");
      shell.ok("rewind 3; step 10");
      assertEquals(first, losses("run"), "the change is a part of the past");
      shell.ok("stop");
    }
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok("load " + temp.resolve("run"));
      shell.ok("step 2");
      assertEquals(0.002, lr("run", 15), 1e-9);
    }
  }

  /** A change after the last checkpoint, with no step after it. */
  @Test
  void aChangeOfASavedStepSurvivesToo() throws IOException {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 40 --lr 0.01 --schedule constant --paused"));
      shell.ok("pause; rewind 0; step 5; save; set lr 0.002; set val_every 3; stop");
    }
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok("load " + temp.resolve("run"));
      assertTrue(shell.ok("set").contains("val_every          3"), shell.ok("set"));
      shell.ok("step");
      assertEquals(0.002, lr("run", 6), 1e-9);
    }
  }

  private double lr(String run, int step) throws IOException {
    return log(run).stream()
        .filter(n -> n.path("event").asText().equals("step") && n.path("step").asInt() == step)
        .reduce((a, b) -> b)
        .orElseThrow()
        .path("lr")
        .asDouble();
  }

  @Test
  void aLoadedRunIsPaused() {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 20 --paused"));
      shell.ok("pause; rewind 0; step 4; save; stop");
      shell.ok("load " + temp.resolve("run"));
      assertTrue(status(shell).contains("paused  step 4/20"), status(shell));
      shell.ok("step");
      TinyShell.Result second = shell.run(shell.train("other", ""));
      assertEquals(2, second.code());
      assertTrue(second.errorLine().contains("run is paused; stop it first"), second.err());
    }
  }

  @Test
  void aLossThatIsNotFiniteCanBeRewound() {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 60 --lr 0.01 --clip 0 --paused"));
      shell.ok("pause; rewind 0; step 3; set lr 1e30");
      TinyShell.Result result = shell.run("step 50");
      assertEquals(4, result.code(), result.out() + result.err());
      String status = shell.ok("status");
      int step = shell.shell().live().orElseThrow().history().snapshot().ended().get().step();
      assertTrue(status.contains("failed  step " + step + "/60"), status);
      assertTrue(Files.exists(temp.resolve("run/step_" + step)), "what was good is saved");
      shell.ok("rewind 2; branch calm; set lr 0.01; step 3");
      assertTrue(status(shell).contains("paused  step 5/60"), status(shell));
    }
  }

  @Test
  void saysWhatCannotBeDone() {
    try (TinyShell shell = new TinyShell(temp)) {
      for (String command :
          List.of(
              "pause",
              "resume",
              "step",
              "stop",
              "wait",
              "save",
              "status",
              "inspect",
              "rewind 0",
              "branch x",
              "plot",
              "dashboard",
              "show run",
              "record x.jsonl")) {
        TinyShell.Result result = shell.run(command);
        assertEquals(2, result.code(), command + result.err());
        assertTrue(result.errorLine().contains("there is no live run"), result.err());
      }
      shell.ok(shell.train("run", "--steps 20 --val-every 5 --paused"));
      shell.ok("pause");
      for (String example :
          new String[] {
            "stpe|there is no command stpe; did you mean step?",
            "rewind 99|99",
            "rewind -1|-1",
            "rewind x|x",
            "step 0|0",
            "step -3|-3",
            "inspect wte.weigth|did you mean wte.weight?",
            "inspect wte.weight [999]|[999]",
            "inspect wte.weight [a]|[a]",
            "plot --metric los|did you mean loss?",
            "plot x.gif|.svg",
            "show nosuch|config",
            "status nosuch|nosuch",
            "load nosuch|is paused; stop it first",
            "wait soon|soon",
            "watch -n 0 status|0",
            "dashboard --once --size 10|10",
            "sample --tokens 0|0",
            "sample --temperature -1|-1",
            "replay nosuch.jsonl|nosuch.jsonl",
            "source nosuch.anneal|nosuch.anneal",
            "alias --remove nosuch|nosuch",
            "record /no/such/folder/x|/no/such/folder/x",
            "set lr|needs a value"
          }) {
        String[] parts = example.split("\\|");
        TinyShell.Result result = shell.run(parts[0]);
        assertNotEquals(0, result.code(), example);
        assertTrue(result.errorLine().contains(parts[1]), example + "\n" + result.err());
        assertFalse(result.err().contains("a fault of ours"), result.err());
      }
      assertTrue(status(shell).contains("paused"), "and nothing happened");
    }
  }
}
