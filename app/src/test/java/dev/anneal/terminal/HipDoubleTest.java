package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.AnnealProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The HIP device from the command line, on the test double that the tests of the backends build
 * before these.
 */
class HipDoubleTest {
  private static final Path BACKENDS = Path.of("../backends/target").toAbsolutePath().normalize();
  private static final Path DOUBLE = BACKENDS.resolve("test-classes/cuda-double");
  private static final String SHAPE =
      " --layers 1 --channels 32 --heads 2 --context 16 --seq 16 --batch 2";

  @TempDir private Path temp;
  private String data = "";

  @BeforeEach
  void needsTheDouble() throws IOException {
    assumeTrue(
        Files.exists(DOUBLE.resolve("libamdhip64.so.7"))
            && Files.exists(DOUBLE.resolve("libhiprtc.so.7")),
        "no " + DOUBLE + "/libamdhip64.so.7: run the tests of backends first");
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog\n".repeat(300));
    data = " --data " + text;
  }

  private Result anneal(String arguments) throws Exception {
    return AnnealProcess.shell(
        temp,
        Map.of(
            "LD_LIBRARY_PATH",
            DOUBLE.toString(),
            "XDG_CACHE_HOME",
            BACKENDS.resolve("cache").toString()),
        "",
        "anneal " + arguments);
  }

  private List<JsonNode> run(String... lines) throws Exception {
    Result result = anneal("--json -c " + AnnealProcess.quote(String.join("; ", lines)));
    assertEquals(0, result.code(), result.out() + result.err());
    List<JsonNode> events = new ArrayList<>();
    for (String line : result.out().lines().toList()) {
      events.add(new ObjectMapper().readTree(line));
    }
    return events;
  }

  private static List<JsonNode> events(List<JsonNode> all, String kind) {
    return all.stream().filter(event -> event.path("event").asText().equals(kind)).toList();
  }

  private boolean hasOpenCl() throws Exception {
    return run("backends").stream()
        .anyMatch(
            event ->
                event.path("event").asText().equals("device")
                    && event.path("backend").asText().equals("opencl"));
  }

  @Test
  void standsInOneTableWithAllOthers() throws Exception {
    String others = hasOpenCl() ? "cpu opencl cuda hip" : "cpu cuda hip";
    JsonNode comparison =
        run("compare " + others + " --steps 2 --threads 1" + SHAPE + data).stream()
            .filter(event -> event.has("devices"))
            .findFirst()
            .orElseThrow();
    JsonNode devices = comparison.path("devices");
    assertEquals(others.split(" ").length, devices.size());
    JsonNode expected = devices.path(0).path("losses");
    for (JsonNode device : devices) {
      for (int i = 0; i < expected.size(); i++) {
        double loss = device.path("losses").path(i).asDouble();
        assertEquals(expected.path(i).asDouble(), loss, 1e-4, device.toString());
      }
    }
    assertTrue(devices.path(devices.size() - 1).path("errors").has("AttentionBackward"));
  }

  private static String verify(String more) throws Exception {
    Path model = Path.of(HipDoubleTest.class.getResource("/gpt2-tiny/model.bin").toURI());
    return "verify --backend hip --steps 2 --checkpoint "
        + model
        + " --state "
        + model.resolveSibling("debug_state.bin")
        + more;
  }

  /**
   * Device 2 is a gfx1201, which has NVIDIA's formats of 8 bits; device 0 a gfx942, which has
   * FNUZ's; device 1 a gfx1100, which has none.
   */
  @Test
  void hasEightBitsWhereTheArchitectureHasThem() throws Exception {
    List<JsonNode> all =
        run(
            verify(" --device 2 --dtype fp8"),
            verify(" --device 2 --dtype fp8_hybrid"),
            verify(" --device 0 --dtype fp8"),
            verify(" --device 0 --dtype fp8_hybrid"));
    List<JsonNode> verifications = events(all, "verify");
    assertEquals(4, verifications.size());
    verifications.forEach(verification -> assertTrue(verification.path("ok").asBoolean()));
    Result refused = anneal(verify(" --device 1 --dtype fp8"));
    assertEquals(2, refused.code());
    assertTrue(refused.err().contains("hip has fp32, bf16, pure_bf16;"), refused.err());
  }

  @Test
  void agreesWithPyTorchAndTrainsAsTheCpuDoesAtBothWaves() throws Exception {
    String train = " --steps 4 --total-batch 32 --val-every 0 --sample-tokens 0" + SHAPE + data;
    List<JsonNode> all =
        run(
            verify(""),
            verify(" --dtype bf16"),
            verify(" --dtype pure_bf16"),
            "train --backend cpu --threads 1" + train,
            "train --backend hip --device 0" + train,
            "train --backend hip --device 1" + train);
    List<JsonNode> verifications = events(all, "verify");
    assertEquals(3, verifications.size());
    verifications.forEach(verification -> assertTrue(verification.path("ok").asBoolean()));
    List<Double> losses =
        events(all, "step").stream().map(step -> step.path("loss").asDouble()).toList();
    assertEquals(12, losses.size());
    for (int i = 0; i < 4; i++) {
      assertEquals(losses.get(i), losses.get(i + 4), 1e-4, "wave 64, step " + i);
      assertEquals(losses.get(i), losses.get(i + 8), 1e-4, "wave 32, step " + i);
    }
  }
}
