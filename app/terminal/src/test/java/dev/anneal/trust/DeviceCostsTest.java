package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a step costs a GPU can be asked where there is none. */
class DeviceCostsTest {
  private static final String STEP =
      "plan --device-costs --backend cuda --target sm_90 --model gpt2-124M --dtype bf16 --seq 1024";

  private static String[] words(String line, String... more) {
    List<String> words = new ArrayList<>(Arrays.asList(line.split(" ")));
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  private static JsonNode costs(String... more) {
    List<String> all = new ArrayList<>(List.of(more));
    all.add("--json");
    return Outcome.ok(words(STEP, all.toArray(String[]::new))).json().getFirst();
  }

  @ParameterizedTest
  @ValueSource(strings = {"16", "64"})
  void aStepOfGpt2HasAtMost340LaunchesAnd12CallsOfTheDriver(String batch) {
    JsonNode step = costs("--batch", batch);
    assertTrue(step.get("launches").asInt() <= 340, step.toString());
    assertTrue(step.get("driver_calls").asInt() <= 12, step.toString());
  }

  @Test
  void theOpsOfAStepMoveAllOfItsBytes() {
    JsonNode step = costs("--batch", "4");
    long bytes = 0;
    int launches = 0;
    for (JsonNode op : step.get("ops")) {
      bytes += op.get("bytes").asLong();
      for (String by : List.of("kernels", "library_calls", "fills")) {
        launches += op.get(by).asInt();
      }
    }
    assertEquals(step.get("bytes").asLong(), bytes);
    assertEquals(step.get("launches").asInt(), launches);
  }

  @Test
  void adamWReadsAndWritesWhatTheOptimizerKeeps() {
    JsonNode adamW = costs("--batch", "4").at("/ops/AdamW + Cast");
    // Of every parameter: itself and two moments read and written, its gradient, its copy in bf16.
    long parameters = 124_475_904;
    double perParameter = adamW.get("bytes").asDouble() / parameters;
    assertEquals(3 * 2 * 4 + 4 + 2, perParameter, 0.01);
  }

  @Test
  void aTableIsNoWiderThanATerminal() {
    Outcome table = Outcome.ok(words(STEP));
    table.out().lines().forEach(line -> assertTrue(line.length() <= 80, line));
  }

  @Test
  void whatCannotBePlannedForIsRefusedInALine() {
    Outcome.of(words("plan --device-costs --backend cpu")).refused(2, "cpu", "--backend cuda");
    Outcome.of(words("plan --device-costs --backend cuda --target gfx942")).refused(2, "sm_90");
    Outcome.of(words("plan --device-costs --backend hip --target sm_90")).refused(2, "gfx942");
    Outcome.of(words("plan --device-costs --backend opencl --target gpu")).refused(2, "--target");
    Outcome.of(words("plan --target sm_90")).refused(2, "--device-costs");
  }
}
