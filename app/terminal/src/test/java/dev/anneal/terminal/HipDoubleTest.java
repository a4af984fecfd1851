package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.terminal.AnnealProcess.Result;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The HIP device from the command line. */
class HipDoubleTest extends OnGpuDouble {
  HipDoubleTest() {
    super("hip", "libamdhip64.so.7", "libhiprtc.so.7");
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
        // Heads of 17: the tests of the backends have compiled OpenCL's kernels for them.
        run("compare " + others + " --steps 2 --warmup 0" + SHAPE.replace("32", "34") + data)
            .stream()
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

  /**
   * Device 2 is a gfx1201, which has NVIDIA's formats of 8 bits; device 0 a gfx942, which has
   * FNUZ's; device 1 a gfx1100, which has none.
   */
  @Test
  void hasEightBitsWhereTheArchitectureHasThem() throws Exception {
    List<JsonNode> all =
        run(
            // With gradients of the other format, which fp8 alone does not have.
            verify(" --device 2 --dtype fp8_hybrid"), verify(" --device 0 --dtype fp8_hybrid"));
    List<JsonNode> verifications = events(all, "verify").toList();
    assertEquals(2, verifications.size());
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
            "train --backend cpu" + train,
            "train --backend hip --device 0" + train,
            "train --backend hip --device 1" + train);
    List<JsonNode> verifications = events(all, "verify").toList();
    assertEquals(3, verifications.size());
    verifications.forEach(verification -> assertTrue(verification.path("ok").asBoolean()));
    List<Double> losses = events(all, "step").map(step -> step.path("loss").asDouble()).toList();
    assertEquals(12, losses.size());
    for (int i = 0; i < 4; i++) {
      assertEquals(losses.get(i), losses.get(i + 4), 1e-4, "wave 64, step " + i);
      assertEquals(losses.get(i), losses.get(i + 8), 1e-4, "wave 32, step " + i);
    }
  }
}
