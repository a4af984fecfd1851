package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertTrue;

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
}
