package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.Devices;
import dev.anneal.run.SavedModel;
import dev.anneal.run.store.SavedRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Live weights and a checkpoint's are sampled in one way, with the window that they learned. */
class SamplingWindowTest {
  private static final String SAMPLE = "--tokens 120 --prompt the --seed 5 --temperature 0.5";

  @TempDir private Path temp;

  /** Trained at 16 tokens, with position embeddings for 128. */
  private String[] train(String... more) {
    List<String> words = new ArrayList<>(List.of(more));
    if (!words.contains("--seq")) {
      words.addAll(List.of("--seq", "16", "--context", "128"));
    }
    return Outcome.tiny(temp, "run", words.toArray(String[]::new));
  }

  private String run() {
    return temp.resolve("run").toString();
  }

  private static String text(Outcome outcome) {
    return outcome.json().stream()
        .filter(n -> n.path("event").asText().equals("sample"))
        .map(n -> n.path("text").asText())
        .reduce("", (a, b) -> b);
  }

  @Test
  void liveAndCheckpointSamplesOfOneSeedAreTheSameBits() {
    String script = String.join(" ", train("--steps", "8")) + "; sample " + SAMPLE;
    Outcome live = Outcome.ok("--json", "-c", script);
    List<String> words = new ArrayList<>(List.of("sample", "--json", "--checkpoint", run()));
    words.addAll(List.of(SAMPLE.split(" ")));
    Outcome saved = Outcome.of(words);
    assertEquals(0, saved.code(), saved.err());
    assertTrue(text(saved).length() > 50, text(saved));
    assertEquals(text(live), text(saved));
    // Without a seed, both have the run's.
    String bare = "sample --tokens 40 --json";
    Outcome loaded = Outcome.ok("--json", "-c", "load " + run() + " --backend cpu; " + bare);
    assertEquals(
        text(loaded),
        text(Outcome.ok("sample", "--checkpoint", run(), "--tokens", "40", "--json")));
  }

  @Test
  void aTextBeyondTheTrainedLengthIsAsGoodAsBefore() {
    Outcome.ok(train("--steps", "250", "--lr", "0.02", "--channels", "32", "--batch", "4"));
    Outcome sample =
        Outcome.ok(
            "sample",
            "--checkpoint",
            run(),
            "--tokens",
            "120",
            "--prompt",
            "the quick",
            "--temperature",
            "0");
    String corpus = "the quick brown fox jumps over the lazy dog\n".repeat(5);
    String beyond = sample.out().substring(60, 110);
    long known = java.util.Arrays.stream(beyond.split("\\s+")).filter(corpus::contains).count();
    assertTrue(known >= 7, "of the words beyond the window, " + known + " are known: " + beyond);
  }

  @Test
  void goingBeyondIsSaidOnce() {
    Outcome.ok(train());
    Outcome beyond = Outcome.ok("sample", "--checkpoint", run(), "--tokens", "60");
    assertEquals(1, beyond.err().lines().count(), beyond.err());
    assertTrue(beyond.err().contains("longer than the 16 tokens"), beyond.err());
    assertEquals("", Outcome.ok("sample", "--checkpoint", run(), "--tokens", "9").err());
  }

  @Test
  void theWindowOfTunedWeightsIsTheLongestThatTheyLearned() {
    Outcome.ok(train("--seq", "64", "--context", "64"));
    Outcome.ok(
        "train",
        "--resume",
        run(),
        "--data",
        Outcome.text(temp).toString(),
        "--seq",
        "8",
        "--out",
        temp.resolve("tuned").toString(),
        "--steps",
        "1",
        "--backend",
        "cpu");
    String tuned = temp.resolve("tuned").toString();
    assertEquals("", Outcome.ok("sample", "--checkpoint", tuned, "--tokens", "50").err());
  }

  @Test
  void anyNumberOfTokensStreamsInTheMemoryOfOneWindow() {
    Outcome.ok(train());
    var saved = SavedRun.checkpoint(Path.of(run()), warning -> {});
    try (Device device = Devices.open("cpu", 0, DeviceOptions.threads(1));
        SavedModel model = SavedModel.load(saved, device)) {
      int[] heard = new int[1];
      int drawn =
          model
              .generator()
              .generate(
                  new int[] {1},
                  2_000_000_000,
                  SamplingSettings.defaults(1),
                  token -> ++heard[0] < 300);
      assertEquals(300, drawn);
    }
  }

  @Test
  void aTextThatIsHeldWholeIsBounded() {
    Outcome.ok(train());
    Outcome.of("sample", "--checkpoint", run(), "--tokens", "2000000000", "--json")
        .refused(2, "--tokens is 2000000000", "at most");
    Outcome live = Outcome.of("-c", "load " + run() + " --backend cpu; sample --tokens 2000000000");
    assertNotEquals(0, live.code());
    assertTrue(live.err().contains("--tokens is 2000000000"), live.err());
  }
}
