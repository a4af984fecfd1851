package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.run.Devices;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Without {@code --backend}: a GPU that works, else the CPU; never OpenCL's CPU. */
class AutomaticBackendTest {
  @TempDir private Path temp;

  @Test
  void autoOpensADeviceAndNeverOneOfOpenCl() {
    try (Device device = Devices.open("auto", 0, DeviceOptions.threads(1))) {
      assertTrue(List.of("cpu", "cuda", "hip").contains(device.info().backend()));
    }
  }

  @Test
  void theRunRecordsTheDeviceThatWasUsed() {
    String[] train = Outcome.tiny(temp, "run", "--json", "--backend", "auto");
    JsonNode started = Outcome.ok(train).json().getFirst();
    assertEquals("started", started.path("event").asText());
    assertTrue(List.of("cpu", "cuda", "hip").contains(started.path("backend").asText()));
  }

  @Test
  void threadsAskForTheCpu() {
    List<String> words = List.of(Outcome.tiny(temp, "run", "--json"));
    List<String> without = new java.util.ArrayList<>(words);
    int backend = without.indexOf("--backend");
    without.subList(backend, backend + 2).clear();
    Outcome outcome = Outcome.of(without);
    assertEquals("cpu", outcome.json().getFirst().path("backend").asText(), outcome.err());
  }
}
