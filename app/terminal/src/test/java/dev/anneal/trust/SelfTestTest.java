package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.trust.Cli.Result;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The {@code selftest} command: what it finds, how it ends, and that its lines can be read. */
class SelfTestTest {
  private static final Pattern LINE =
      Pattern.compile(
          "(ok|WRONG|skipped|FAILED) +(\\w+)  +(\\w+)  +(\\S.*?)  +(\\d+\\.\\d)(  .*)?");

  @TempDir Path temp;

  private Result run(String line) {
    return new Cli(temp).run("selftest --quick " + line);
  }

  /** The words that the checks end with, by lines of a name. */
  private static List<String> ended(Result result, String name) {
    return result
        .out()
        .lines()
        .map(LINE::matcher)
        .filter(line -> line.matches() && line.group(2).startsWith(name))
        .map(line -> line.group(1))
        .toList();
  }

  @Test
  void theCpuIsRightByEveryCheck() {
    Result result = run("--backend cpu --seed 3");
    assertEquals(0, result.code(), result.all());
    List<String> lines = result.out().lines().toList();
    assertTrue(lines.getFirst().startsWith("cpu, "), lines.getFirst());
    assertTrue(
        lines.subList(1, lines.size() - 1).stream().allMatch(l -> LINE.matcher(l).matches()),
        result.out());
    assertTrue(lines.getLast().matches("selftest: \\d+ ok, 0 WRONG, 1 skipped, 0 FAILED in .*"));
    for (String name :
        List.of(
            "attention_backward",
            "classifier",
            "adam_w",
            "fused_bias_gelu",
            "fused_gelu_gradient",
            "fused_bias_gradient",
            "ops_heads_128",
            "step_heads_64",
            "step_chunked_classifier",
            "step_accumulation",
            "graph_heads_64",
            "repeat_heads_64")) {
      assertTrue(ended(result, name).contains("ok"), name);
    }
  }

  @Test
  void aWrongVersionIsWrongAndAnotherIsNot() {
    Result result = run("gelu --backend wrong");
    assertEquals(4, result.code(), result.all());
    assertEquals(List.of("ok"), ended(result, "gelu_forward_v1"));
    assertEquals(List.of("WRONG"), ended(result, "gelu_forward_v2"));
    assertEquals(List.of("WRONG"), ended(result, "gelu_forward_v3"));
  }

  /** Fusions and the ops of steps meet the version that the device was told to take. */
  @Test
  void whatIsTrainedWithAWrongVersionIsWrong() {
    Result result = run("ops_heads_64 fused_bias_gelu --backend wrong --kernel gelu_forward=v3");
    assertEquals(4, result.code(), result.all());
    assertEquals(List.of("WRONG"), ended(result, "ops_heads_64"));
    assertEquals(List.of("WRONG", "WRONG"), ended(result, "fused_bias_gelu"));
  }

  @Test
  void whatDoesNotCompileIsALineAndTheRestGoesOn() {
    Result result = run("fused --backend wrong --kernel gelu_forward=v4");
    assertEquals(3, result.code(), result.all());
    assertEquals(List.of("FAILED"), ended(result, "fused_bias_gelu_product"));
    assertTrue(result.out().contains("gelu_forward v4 does not compile"), result.out());
    assertEquals(List.of("ok"), ended(result, "fused_all_updates"));
  }

  @Test
  void namesWhatItCannotDo() {
    assertEquals(3, run("--backend recording").code());
    Result dtype = run("--backend cpu --dtype fp32,fp8");
    assertEquals(2, dtype.code());
    assertTrue(dtype.err().contains("--dtype fp8: cpu has fp32;"), dtype.err());
    Result name = run("nothing --backend cpu");
    assertEquals(2, name.code());
    assertTrue(name.err().contains("no check of cpu begins with nothing"), name.err());
  }
}
