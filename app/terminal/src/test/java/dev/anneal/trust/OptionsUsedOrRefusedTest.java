package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Options that cannot act together, or where they are, are refused by name. Those of a run that
 * goes on are {@link GoingOnTest}'s, their values {@link SettingRangesTest}'s, and all in any
 * combination {@link AnyOptionsTest}'s.
 */
class OptionsUsedOrRefusedTest {
  @TempDir private Path temp;

  /** The options, and after the bar the one that the refusal names. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--kernel foo=v9|foo",
        "--kernel foo|--kernel",
        "--kernel a=v1 --kernel a=v2|--kernel",
        "--dashboard|--dashboard",
        "--dashboard --json|--dashboard",
        "--bg|--bg",
        "--paused|--paused",
        "--bg --fg|--bg",
        "--lr 1 --lr 2|--lr",
        "--until nonsense|--until",
        "--tokenizer words|--tokenizer",
        "--master-weights off|--master-weights",
        "--dtype pure_bf16 --master-weights on|--master-weights",
        "--top-k 3|--top-k",
        "--backend cpu --deterministic off|--deterministic",
        "--backend cpu --deterministic maybe|--deterministic",
        "extra|extra"
      })
  void trainRefusesByName(String line) {
    String[] parts = line.split("\\|");
    Outcome.of(Outcome.tiny(temp, "none", parts[0].split(" "))).refused(2, parts[1]);
    assertTrue(Files.notExists(temp.resolve("none")));
  }

  @Test
  void sampleRefusesByName() {
    Outcome.ok(Outcome.tiny(temp, "run"));
    String run = temp.resolve("run").toString();
    for (String line :
        List.of("--prompt hello world", "--seq 3", "--kernel foo=v9", "--seed 1 --seed 2")) {
      String[] words = ("sample --checkpoint " + run + " " + line).split(" ");
      String name =
          line.startsWith("--seed") ? "--seed" : line.split(" ")[0].replace("--kernel", "foo");
      Outcome.of(Arrays.asList(words)).refused(2, name);
    }
    String live = "load " + run + " --backend cpu; sample --threads 2";
    String err = Outcome.of("-c", live).err();
    assertTrue(err.contains("--threads is for a checkpoint"), err);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "chat --top-k 3|--top-k", "plan --seq 0|--seq", "plan --batch 0|--batch",
        "plan --seq 999|--seq", "plan extra|extra", "bench --batch -1|--batch",
        "backends extra|extra", "plan --backend nonsense|nonsense"
      })
  void othersRefuseByName(String line) {
    String[] parts = line.split("\\|");
    String[] words =
        parts[0].startsWith("plan --seq 999")
            ? new String[] {"plan", "--seq", "999", "--context", "64"}
            : parts[0].split(" ");
    Outcome.of(words).refused(2, parts[1]);
  }

  /** What a live run has of its own, nobody else gives. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "compare cpu cpu --layers 1|--layers",
        "compare cpu cpu --batch 2|--batch",
        "compare cpu cpu --data x.txt|--data",
        "compare cpu cpu --seed 2|--seed",
        "compare cpu cpu --dtype bf16|--dtype",
        "use opencl --threads 2|--threads",
        "chat --backend cpu|--backend",
        "chat --kernel foo=v1|--kernel",
        "dashboard --size 80x20|--size",
        "dashboard --ascii|--ascii",
        "plot --json --x time|--x",
        "plot --json --log-y|--log-y",
        "plot --json --width 60|--width"
      })
  void withALiveRunRefusesByName(String line) {
    if (Files.notExists(temp.resolve("run"))) {
      Outcome.ok(Outcome.tiny(temp, "run"));
    }
    String[] parts = line.split("\\|");
    Outcome.of("-c", "load " + temp.resolve("run") + " --backend cpu; " + parts[0])
        .refused(2, parts[1]);
  }

  /** Threads are the CPU's. */
  @Test
  void threadsOfAnotherBackendAreRefused() throws URISyntaxException {
    Path run = temp.resolve("run");
    Outcome.ok(Outcome.tiny(temp, "run"));
    Path gpt2 = Path.of(getClass().getResource("/gpt2-tiny/model.bin").toURI());
    for (String line :
        List.of(
            "train --backend opencl",
            "sample --backend opencl --checkpoint " + run,
            "compare opencl opencl:1",
            "verify --backend opencl --checkpoint "
                + gpt2
                + " --state "
                + gpt2.resolveSibling("debug_state.bin"))) {
      Outcome.of((line + " --threads 2").split(" ")).refused(2, "--threads");
    }
  }

  /** A comparison that is only shown is not made. */
  @Test
  void whatIsShownIsNotMeasured() {
    Path file = temp.resolve("saved.json");
    String sizes = " --layers 1 --heads 1 --channels 8 --context 8 --seq 8 --batch 1 --warmup 0";
    Outcome.ok(("compare cpu cpu --steps 1 --save " + file + sizes).split(" "));
    for (String more :
        List.of(
            "--steps 3",
            "--warmup 1",
            "--layers 2",
            "--batch 4",
            "--data x",
            "--seed 2",
            "--dtype bf16",
            "--threads 2",
            "--kernel a=v1",
            "--save other.json")) {
      Outcome.of(("compare --load " + file + " " + more).split(" ")).refused(2, more.split(" ")[0]);
    }
  }

  @Test
  void aReplayOnTheScreenNeedsOne() {
    Outcome.of("replay", temp.resolve("none.jsonl").toString(), "--dashboard")
        .refused(2, "--dashboard");
  }
}
