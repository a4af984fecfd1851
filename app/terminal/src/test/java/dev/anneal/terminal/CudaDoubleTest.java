package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.AnnealProcess.Result;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The CUDA device from the command line. */
class CudaDoubleTest extends OnGpuDouble {
  CudaDoubleTest() {
    super("cuda", "libcuda.so.1", "libnvrtc.so.13");
  }

  @Test
  void agreesWithTheCpuAndWithPyTorch() throws Exception {
    List<JsonNode> all =
        run(
            "compare cpu cuda --steps 2 --warmup 0" + SHAPE + data,
            "compare cpu cuda --dtype bf16 --steps 2 --warmup 0" + SHAPE + data,
            verify(""),
            verify(" --dtype tf32", 1),
            verify(" --dtype bf16"),
            verify(" --dtype pure_bf16"),
            verify(" --dtype fp8", 1),
            verify(" --dtype fp8_hybrid"));
    List<JsonNode> comparisons = all.stream().filter(event -> event.has("devices")).toList();
    assertEquals(2, comparisons.size());
    for (JsonNode comparison : comparisons) {
      JsonNode losses = comparison.path("devices").path(0).path("losses");
      for (int i = 0; i < losses.size(); i++) {
        double other = comparison.path("devices").path(1).path("losses").path(i).asDouble();
        assertEquals(losses.path(i).asDouble(), other, 2e-2);
      }
    }
    assertTrue(comparisons.get(1).path("devices").path(1).path("errors").has("Cast"));
    List<JsonNode> verifications = events(all, "verify").toList();
    assertEquals(6, verifications.size());
    verifications.forEach(verification -> assertTrue(verification.path("ok").asBoolean()));
  }

  @Test
  void trainsInBf16AndComesBackToTheSameBits() throws Exception {
    List<JsonNode> all =
        run(
            "train --backend cuda --dtype bf16 --steps 8 --total-batch 64 --val-every 4"
                + " --checkpoint-every 3 --sample-tokens 0 --out "
                + temp.resolve("run")
                + SHAPE
                + data,
            "inspect wte.weight",
            "inspect wte.weight.copy",
            "rewind 5",
            "use cuda",
            "step 3",
            "inspect wte.weight",
            "inspect wte.weight.copy",
            "sample --prompt the --tokens 4");
    List<JsonNode> steps = events(all, "step").toList();
    assertTrue(steps.getLast().path("loss").asDouble() < steps.getFirst().path("loss").asDouble());
    List<JsonNode> seen = events(all, "inspect").toList();
    assertEquals(seen.subList(0, 2), seen.subList(2, 4));
    assertEquals("bf16", seen.getLast().path("dtype").asText());
    JsonNode bytes = events(all, "started").findFirst().orElseThrow().path("bytes");
    assertTrue(bytes.path("weights").asLong() > 0.4 * bytes.path("parameters").asLong());
  }

  @Test
  void multipliesEightBits() throws Exception {
    List<JsonNode> all =
        run(
            "compare cpu cuda --dtype fp8_hybrid --steps 2 --warmup 0" + SHAPE + data,
            "train --backend cuda --dtype fp8 --steps 8 --total-batch 64 --val-every 4"
                + " --sample-tokens 0 --recompute block --out "
                + temp.resolve("run")
                + SHAPE
                + data);
    JsonNode cuda =
        all.stream()
            .filter(e -> e.has("devices"))
            .findFirst()
            .orElseThrow()
            .path("devices")
            .path(1);
    assertTrue(cuda.path("errors").has("ScaledMatmul"), cuda.toString());
    List<JsonNode> steps = events(all, "step").toList();
    assertTrue(steps.getLast().path("loss").asDouble() < steps.getFirst().path("loss").asDouble());
    assertTrue(events(all, "warning").anyMatch(e -> e.path("text").asText().contains("below 1B")));
  }

  @Test
  void trainsWithoutMasters() throws Exception {
    List<JsonNode> all =
        run(
            "train --backend cuda --dtype bf16 --master-weights off --steps 8 --val-every 0"
                + " --checkpoint-every 3 --sample-tokens 4 --out "
                + temp.resolve("run")
                + SHAPE
                + data,
            "inspect wte.weight",
            "rewind 5",
            "step 3",
            "inspect wte.weight",
            "sample --prompt the --tokens 4");
    List<JsonNode> steps = events(all, "step").toList();
    assertTrue(steps.getLast().path("loss").asDouble() < steps.getFirst().path("loss").asDouble());
    List<JsonNode> seen = events(all, "inspect").toList();
    assertEquals("bf16", seen.getFirst().path("dtype").asText());
    assertEquals(seen.getFirst(), seen.getLast());
    JsonNode bytes = events(all, "started").findFirst().orElseThrow().path("bytes");
    assertTrue(bytes.path("weights").isMissingNode());
    assertTrue(bytes.path("parameters").asLong() < 0.6 * bytes.path("gradients").asLong());
  }

  @Test
  void aRunWhoseBitsMayDifferSaysSo() throws Exception {
    String train = "train --backend cuda --steps 2 --val-every 0 --sample-tokens 0" + SHAPE + data;
    List<JsonNode> all = run(train + " --deterministic off", "stop", train);
    List<Boolean> said =
        events(all, "started").map(e -> e.path("deterministic").asBoolean()).toList();
    assertEquals(List.of(false, true), said.stream().distinct().toList());
    Result result = anneal(train + " --deterministic off");
    assertTrue(
        (result.out() + result.err()).contains("not deterministic: the same run"), result.err());
  }

  /** What was tried for the run is in its checkpoint: who tries nothing has the same bits. */
  @Test
  void goesOnWithTheAlgorithmsThatTheRunHad() throws Exception {
    Path run = temp.resolve("run");
    String train = "train --json --backend cuda";
    Result whole =
        anneal(
            train
                + " --dtype bf16 --steps 4 --val-every 0 --sample-tokens 0 --checkpoint-every 2"
                + " --out "
                + run
                + SHAPE
                + data,
            Map.of("ANNEAL_PRODUCT_TRIALS", "all"));
    assertEquals(0, whole.code(), whole.err());
    for (String file : List.of("model.safetensors", "optimizer.safetensors", "manifest.json")) {
      Files.delete(run.resolve("step_4").resolve(file));
    }
    Files.delete(run.resolve("step_4"));
    Result resumed = anneal(train + " --resume " + run, Map.of("ANNEAL_PRODUCT_TRIALS", "off"));
    assertEquals(0, resumed.code(), resumed.err());
    assertEquals(losses(whole).subList(2, 4), losses(resumed));
    assertTrue(
        Files.readString(run.resolve("step_2/manifest.json")).contains("cuBLASLt 130000: 05"));
  }

  private static List<String> losses(Result result) throws Exception {
    List<String> losses = new ArrayList<>();
    for (String line : result.out().lines().toList()) {
      JsonNode event = new ObjectMapper().readTree(line);
      if (event.path("event").asText().equals("step")) {
        losses.add(event.path("loss") + ", " + event.path("grad_norm"));
      }
    }
    return losses;
  }

  @Test
  void testsItselfFusedAndInSteps() throws Exception {
    List<JsonNode> all =
        run(
            "selftest fused ops_heads_64 step_heads_64 graph_heads_64 attention layernorm_forward"
                + " --quick --backend cuda --dtype bf16,fp8");
    List<JsonNode> checks = events(all, "check").toList();
    assertTrue(checks.size() > 25, "" + checks.size());
    checks.forEach(check -> assertEquals("ok", check.path("outcome").asText(), "" + check));
    for (String name : List.of("attention_backward_v4", "fused_gelu_gradient", "step_heads_64")) {
      assertTrue(checks.stream().anyMatch(c -> c.path("name").asText().equals(name)), name);
    }
  }

  /** From its fourth launch on, no graph can be launched, but single kernels can. */
  @Test
  void aCheckThatFailsIsALineAndTheRestGoesOn() throws Exception {
    Result result =
        anneal(
            "selftest matmul_forward graph_heads_64 --quick --backend cuda --dtype fp32",
            Map.of("ANNEAL_DOUBLE_FAIL", "cuGraphLaunch 1 3"));
    assertEquals(3, result.code(), result.out() + result.err());
    assertTrue(result.out().lines().anyMatch(line -> line.startsWith("FAILED   graph_heads_64")));
    assertTrue(result.out().contains("cuGraphLaunch says CUDA_ERROR_INVALID_VALUE"));
    assertTrue(result.err().lines().noneMatch(line -> line.startsWith("\tat ")), result.err());
    Result lost =
        anneal(
            "selftest matmul_forward --quick --backend cuda --dtype fp32",
            Map.of("ANNEAL_DOUBLE_LOST_AFTER", "5"));
    assertEquals(3, lost.code(), lost.out() + lost.err());
    assertTrue(lost.out().contains("the device does not answer any more"), lost.out());
    assertEquals("", lost.err());
  }

  @Test
  void namesTheFormatsThatItHas() throws Exception {
    Result result = anneal("train --backend cuda --dtype fp16" + SHAPE + data);
    assertEquals(2, result.code());
    assertTrue(
        result.err().contains("cuda has fp32, tf32, bf16, pure_bf16, fp8, fp8_hybrid;"),
        result.err());
  }

  @Test
  void losesItsDeviceAndKeepsTheLastCheckpoint() throws Exception {
    Path run = temp.resolve("run");
    // The first step is no graph, the others are two each: the twelfth launch is step 7's update.
    Map<String, String> losing = Map.of("ANNEAL_DOUBLE_LOST_AFTER", "11");
    String train =
        "train --backend cuda --steps 12 --total-batch 32 --val-every 0 --sample-tokens 0"
            + " --checkpoint-every 3 --out "
            + run
            + SHAPE
            + data;
    Result lost = anneal(train, losing);
    assertEquals(3, lost.code(), lost.out() + lost.err());
    String error = lost.err().lines().filter(line -> line.contains("lost")).findFirst().orElse("");
    assertTrue(
        error.contains(
            "cuGraphLaunch says CUDA_ERROR_LAUNCH_FAILED (an error of the test double); what was"
                + " saved before is whole"),
        error);
    assertTrue(lost.err().lines().noneMatch(line -> line.startsWith("\tat ")), lost.err());
    Result resumed = anneal("train --json --backend cpu --resume " + run);
    assertEquals(0, resumed.code(), resumed.err());
    List<Integer> steps =
        resumed
            .out()
            .lines()
            .filter(line -> line.contains("\"event\":\"step\""))
            .map(CudaDoubleTest::step)
            .toList();
    assertEquals(List.of(7, 8, 9, 10, 11, 12), steps);
  }

  private static int step(String line) {
    try {
      return new ObjectMapper().readTree(line).path("step").asInt();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
