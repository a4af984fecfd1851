package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A saved comparison says where it is from, and reads again whatever its age. */
class ComparisonFileTest {
  private static final String OLD =
      """
      {"event":"comparison","model":"m","batch":1,"sequence":2,"after":0,"steps":3,
       "devices":[
        {"backend":"cpu","device":"d","details":"x","memory_bytes":1,"step_ms":10.0,
         "tokens_per_s":1,"kernels":{},"kinds_ms":{"Add":1.0},"losses":[1.0],"errors":{}},
        {"backend":"cuda","device":"e","details":"y","memory_bytes":1,"step_ms":2.0,
         "tokens_per_s":1,"kernels":{},"kinds_ms":{"Add":0.1},"losses":[1.0],
         "errors":{"Add":{"max_abs":0.0,"relative":0.0,"ulps":0.0}}}]}
      """;

  @TempDir private Path folder;

  private Path saved(String name) {
    Path file = folder.resolve(name);
    List<String> words = new ArrayList<>(List.of("compare", "cpu", "cpu", "--steps", "5"));
    words.addAll(List.of("--warmup", "0", "--layers", "1", "--heads", "2", "--channels", "16"));
    words.addAll(List.of("--context", "16", "--seq", "16", "--batch", "2", "--threads", "1"));
    words.addAll(List.of("--data", Outcome.text(folder).toString(), "--save", file.toString()));
    Outcome.ok(words.toArray(String[]::new));
    return file;
  }

  @Test
  void carriesAndShowsWhereItIsFrom() throws IOException {
    Path file = saved("mine.json");
    JsonNode saved = Outcome.tree(Files.readString(file));
    assertEquals(5, saved.path("steps").asInt());
    for (JsonNode device : saved.path("devices")) {
      assertEquals("fp32", device.path("dtype").asText());
      assertEquals("0.1.0", device.path("version").asText());
      assertFalse(device.path("host").asText().isEmpty());
      Instant.parse(device.path("date").asText());
      JsonNode quartiles = device.path("step_ms_quartiles");
      assertTrue(quartiles.path(0).asDouble() <= device.path("step_ms").asDouble());
      assertTrue(quartiles.path(1).asDouble() >= device.path("step_ms").asDouble());
    }
    String shown = Outcome.ok("compare", "--load", file.toString()).out();
    JsonNode first = saved.path("devices").path(0);
    for (String field : List.of("host", "date", "dtype", "device")) {
      assertTrue(shown.contains(first.path(field).asText()), field + "\n" + shown);
    }
    assertTrue(shown.contains("Anneal 0.1.0") && shown.contains("5 steps"), shown);
    JsonNode again = Outcome.ok("compare", "--json", "--load", file.toString()).json().getLast();
    assertEquals(saved, again, "reading and writing changes nothing");
  }

  @Test
  void anOldOneStillReadsAndItsRatioIsNoFact() throws IOException {
    Path old = Files.writeString(folder.resolve("old.json"), OLD);
    String shown = Outcome.ok("compare", "--load", old.toString()).out();
    assertTrue(shown.contains("0.20~"), shown);
    assertTrue(shown.contains("~ is noise"), shown);
    assertFalse(shown.contains("Anneal "), shown);
    Outcome.ok("compare", "--json", "--load", old.toString());
  }

  @Test
  void manyResultsFitAHundredColumns() throws IOException {
    Path old = Files.writeString(folder.resolve("old.json"), OLD);
    List<String> words = new ArrayList<>(List.of("compare"));
    for (int n = 1; n <= 6; n++) {
      words.addAll(List.of("--load", old.toString()));
      String shown = Outcome.ok(words.toArray(String[]::new)).out();
      shown.lines().forEach(line -> assertTrue(line.length() <= 100, line));
      for (int device = 2; device <= n; device++) {
        assertTrue(shown.contains("cuda#" + device), "no device is left out\n" + shown);
      }
    }
  }
}
