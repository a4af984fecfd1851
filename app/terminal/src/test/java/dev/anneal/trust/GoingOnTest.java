package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.training.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code train --resume} does with every option that it takes, and what it refuses. */
class GoingOnTest {
  @TempDir private Path temp;

  private Outcome train(String out, String... more) {
    return Outcome.ok(Outcome.tiny(temp, out, more));
  }

  private Outcome resume(String run, String... more) {
    List<String> words = new ArrayList<>(List.of("train", "--resume", path(run)));
    words.addAll(List.of("--threads", "1", "--backend", "cpu"));
    words.addAll(Arrays.asList(more));
    return Outcome.of(words);
  }

  private String path(String name) {
    return temp.resolve(name).toString();
  }

  private static List<String> steps(Outcome outcome) {
    return outcome.json().stream()
        .filter(n -> n.path("event").asText().equals("step"))
        .map(n -> n.path("step") + " " + n.path("loss") + " " + n.path("lr"))
        .toList();
  }

  private JsonNode config(String run, int step) throws IOException {
    String manifest = Files.readString(temp.resolve(run + "/step_" + step + "/manifest.json"));
    return Outcome.tree(manifest).path("meta").path("config");
  }

  @ParameterizedTest
  @EnumSource(Schedule.Known.class)
  void anExtendedScheduleIsThatOfTheLongerRunFromThereOn(Schedule.Shape shape) {
    Schedule first = new Schedule(shape, 1e-2, 2, 20, 0.1);
    Schedule longer = new Schedule(shape, 1e-2, 2, 50, 0.1);
    Schedule extended = first.withHorizonAfter(20, 30).withHorizonAfter(25, 50);
    for (int step = 1; step <= 50; step++) {
      double expected =
          step <= 20
              ? first.learningRate(step)
              : step <= 25
                  ? new Schedule(shape, 1e-2, 2, 30, 0.1).learningRate(step)
                  : longer.learningRate(step);
      assertEquals(expected, extended.learningRate(step), "step " + step);
    }
    assertEquals(50, extended.horizon());
  }

  @Test
  void aFinishedRunIsExtendedAndItsEarlierStepsStayTheSameBits() throws IOException {
    List<String> first = steps(train("r", "--steps", "4", "--json", "--keep", "0"));
    Outcome more = resume("r", "--steps", "7", "--json");
    assertEquals(0, more.code(), more.err());
    assertEquals(3, steps(more).size());
    assertTrue(more.out().contains("\"setting\":\"steps\""), more.out());
    assertEquals(7, config("r", 7).path("schedule").path("horizon").asInt());

    String script = "load " + path("r") + " --backend cpu; rewind 1; step; step; step; step";
    Outcome again = Outcome.ok("-c", script);
    assertTrue(again.out().contains("step 5"), again.out());
    List<String> log =
        Files.readAllLines(temp.resolve("r/log.jsonl")).stream()
            .map(Outcome::tree)
            .filter(n -> n.path("event").asText().equals("step"))
            .map(n -> n.path("step") + " " + n.path("loss") + " " + n.path("lr"))
            .toList();
    List<String> all = new ArrayList<>(first);
    all.addAll(steps(more));
    assertEquals(all.subList(1, 5), log.subList(log.size() - 4, log.size()));
  }

  @Test
  void settingsOfARunThatGoesOnAreKeptAndTold() throws IOException {
    train("r", "--val-batches", "2");
    Outcome more =
        resume(
            "r",
            "--steps",
            "6",
            "--lr",
            "1e-5",
            "--keep",
            "1",
            "--val-every",
            "1",
            "--sample-tokens",
            "3",
            "--checkpoint-every",
            "2",
            "--recompute",
            "block");
    assertEquals(0, more.code(), more.err());
    for (String told : List.of("steps: 4 -> 6", "lr: 0.01 -> 1e-5", "keep: 2 -> 1")) {
      assertTrue(more.err().contains(told), told + " is not in " + more.err());
    }
    JsonNode config = config("r", 6);
    assertEquals(1, config.path("intervals").path("checkpoints_kept").asInt());
    assertEquals(3, config.path("intervals").path("sample_tokens").asInt());
    assertEquals("BLOCK", config.path("recompute").asText());
    assertEquals(1e-5, config.path("schedule").path("changes").path(0).path("peak").asDouble());
    assertTrue(Files.notExists(temp.resolve("r/step_4")), "--keep 1 keeps one");
  }

  @Test
  void dataThatMovedIsPointedToAndOtherDataIsNotTakenForIt() throws IOException {
    train("r");
    Path moved = temp.resolve("moved.txt");
    Files.move(Outcome.text(temp), moved);
    resume("r", "--steps", "5").refused(1, "not there any more", "--data");
    String other = Outcome.text(temp, "other.txt", "SPHINX OF QUARTZ, JUDGE MY VOW\n").toString();
    resume("r", "--steps", "5", "--data", other).refused(1, "other.txt", "--out DIR");
    Outcome found = resume("r", "--steps", "5", "--data", moved.toString());
    assertEquals(0, found.code(), found.err());
    assertEquals(moved.toString(), config("r", 5).path("data").path("source").asText());
  }

  @Test
  void aNewRunBeginsWithTheWeightsOfAnotherOnOtherData() throws IOException {
    train("r", "--steps", "6");
    String other = Outcome.text(temp, "other.txt", "SPHINX OF QUARTZ, JUDGE MY VOW\n").toString();
    Outcome tuned =
        resume(
            "r",
            "--data",
            other,
            "--out",
            path("tuned"),
            "--steps",
            "3",
            "--batch",
            "1",
            "--lr",
            "0.001",
            "--json",
            "--beta1",
            "0.8",
            "--keep",
            "0");
    assertEquals(0, tuned.code(), tuned.err());
    assertEquals(3, steps(tuned).size());
    assertTrue(steps(tuned).getFirst().startsWith("1 "), steps(tuned).getFirst());
    JsonNode config = config("tuned", 3);
    assertEquals(1, config.path("batch").asInt());
    assertEquals(other, config.path("data").path("source").asText());
    assertTrue(config.path("origin").path("from").asText().endsWith("step_6"));
    assertEquals(
        -1,
        Files.mismatch(
            temp.resolve("r/step_6/model.safetensors"),
            temp.resolve("tuned/step_0/model.safetensors")));
    Outcome on = resume("tuned", "--steps", "4");
    assertEquals(0, on.code(), on.err());
  }

  @Test
  void aNewRunGoesOnFromAnotherWithOtherSettings() throws IOException {
    train("r");
    Outcome branch =
        resume("r", "--out", path("b"), "--steps", "6", "--batch", "1", "--lr", "1e-3", "--json");
    assertEquals(0, branch.code(), branch.err());
    assertTrue(steps(branch).getFirst().startsWith("5 "), branch.out());
    assertEquals(1, config("b", 6).path("batch").asInt());
    assertTrue(Files.notExists(temp.resolve("r/step_6")));
  }

  @Test
  void importedWeightsAreTunedOnOnesOwnText() throws IOException {
    train("r", "--tokenizer", "gpt2", "--channels", "8", "--heads", "1", "--steps", "1");
    Outcome.ok("export", path("r"), path("model.bin"));
    Outcome.ok("import", path("model.bin"), "--out", path("imported"));
    String text = Outcome.text(temp).toString();
    Outcome tuned =
        resume(
            "imported",
            "--data",
            text,
            "--steps",
            "3",
            "--out",
            path("tuned"),
            "--seq",
            "8",
            "--val-every",
            "0",
            "--sample-tokens",
            "0");
    assertEquals(0, tuned.code(), tuned.err());
    assertEquals(3, config("tuned", 3).path("schedule").path("horizon").asInt());
    assertEquals("gpt2", config("tuned", 3).path("data").path("tokenizer").asText());
    Outcome inPlace = resume("imported", "--data", text, "--steps", "2", "--val-every", "0");
    assertEquals(0, inPlace.code(), inPlace.err());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--model gpt2-124M",
        "--layers 2",
        "--heads 1",
        "--channels 8",
        "--context 64",
        "--tokenizer byte",
        "--batch 1",
        "--seq 8",
        "--total-batch 64",
        "--schedule linear",
        "--warmup 3",
        "--final-lr-fraction 0.5",
        "--weight-decay 0.5",
        "--beta1 0.5",
        "--beta2 0.5",
        "--clip 2",
        "--classifier-chunks 2",
        "--dtype bf16",
        "--master-weights off",
        "--seed 7",
        "--documents line",
        "--text-field body",
        "--steps 2",
        "--val-data nothing.txt"
      })
  void whatCannotChangeIsRefusedByName(String option) {
    train("r");
    String[] words = option.split(" ");
    resume("r", words).refused(2, words[0]);
  }

  @Test
  void theRunItselfIsNoNewDirectory() {
    train("r");
    resume("r", "--out", path("r")).refused(2, "--out");
    assertNotEquals(0, resume("r", "--out", path("r"), "--steps", "9").code());
  }
}
