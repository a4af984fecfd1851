package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That compare and bench find what is wrong, and say what is right. */
class CompareAndBenchTest {
  @TempDir private Path temp;

  private record Result(int code, String out, String err) {}

  private Result run(String command, String... more) throws IOException {
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog\n".repeat(300));
    List<String> words = new ArrayList<>(List.of(command));
    words.addAll(List.of(more));
    if (command.equals("compare") && !List.of(more).contains("--no-model")) {
      words.addAll(List.of("--data", text.toString(), "--steps", "2", "--warmup", "0"));
    }
    words.remove("--no-model");
    if (!words.contains("--load")) {
      words.addAll(List.of("--layers", "1", "--channels", "32", "--heads", "2", "--context", "16"));
      words.addAll(List.of("--seq", "16", "--batch", "2", "--threads", "2"));
    }
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Anneal.run(words.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
    return new Result(code, out.toString(), err.toString());
  }

  private static JsonNode last(String lines) throws IOException {
    return new ObjectMapper().readTree(lines.lines().toList().getLast());
  }

  @Test
  void aDeviceAgreesWithItself() throws IOException {
    Result result = run("compare", "cpu", "cpu", "--json");
    assertEquals(0, result.code(), result.err());
    JsonNode comparison = last(result.out());
    assertFalse(comparison.path("diverged").asBoolean());
    JsonNode second = comparison.path("devices").path(1);
    assertEquals(comparison.path("devices").path(0).path("losses"), second.path("losses"));
    assertEquals(21, second.path("errors").size(), "every kind of op is compared");
    second.path("errors").forEach(e -> assertEquals(0, e.path("max_abs").asDouble()));
  }

  @Test
  void oneWrongElementIsNamed() throws IOException {
    Result result = run("compare", "cpu", "wrong", "--kernel", "gelu_forward=v2");
    assertEquals(4, result.code(), result.err());
    assertTrue(result.out().contains("wrong DIVERGES first at op"), result.out());
    assertTrue(result.out().contains("GeluForward"), result.out());
    Result right = run("compare", "cpu", "wrong", "--kernel", "gelu_forward=v1");
    assertEquals(0, right.code(), right.out());
  }

  @Test
  void anElementLeftOutIsNamed() throws IOException {
    Result result = run("compare", "cpu", "wrong", "--kernel", "gelu_forward=v3", "--json");
    assertEquals(4, result.code(), result.err());
    JsonNode divergence = last(result.out()).path("devices").path(1).path("divergence");
    assertEquals("GeluForward", divergence.path("kind").asText());
  }

  @Test
  void benchTellsRightVersionsFromWrongOnes() throws IOException {
    Result result = run("bench", "gelu_forward", "--backend", "wrong", "--json");
    assertEquals(4, result.code(), result.err());
    List<JsonNode> rows = new ArrayList<>();
    for (String line : result.out().lines().toList()) {
      rows.add(new ObjectMapper().readTree(line));
    }
    List<Boolean> correct =
        rows.stream()
            .filter(n -> n.path("event").asText().equals("kernel"))
            .map(n -> n.path("correct").asBoolean())
            .toList();
    assertEquals(List.of(true, false, false), correct);
    JsonNode chosen = rows.getLast();
    assertEquals("kernels_chosen", chosen.path("event").asText());
    assertEquals(
        1, chosen.path("kernels").path("gelu_forward").asInt(), "the fastest correct version");
  }

  @Test
  void savedResultsAreSetBesideEachOther() throws IOException {
    Path saved = temp.resolve("theirs.json");
    Path table = temp.resolve("table.md");
    Path csv = temp.resolve("table.csv");
    Path picture = temp.resolve("bars.svg");
    assertEquals(0, run("compare", "cpu", "cpu", "--save", saved.toString()).code());
    Result both =
        run(
            "compare",
            "--no-model",
            "--load",
            saved.toString(),
            "--load",
            saved.toString(),
            "--out",
            table.toString(),
            "--out",
            csv.toString(),
            "--out",
            picture.toString());
    assertEquals(0, both.code(), both.err());
    assertTrue(Files.readString(table).contains("| cpu#4 ms |"), Files.readString(table));
    assertTrue(Files.readString(csv).startsWith("op,cpu ms,"));
    assertTrue(Files.readString(picture).contains("<svg"));
  }

  @Test
  void saysWhatCannotBeCompared() throws IOException {
    assertEquals(2, run("compare", "cpu").code());
    Result unknown = run("compare", "cpu", "cqu");
    assertEquals(2, unknown.code());
    assertTrue(unknown.err().contains("cqu"), unknown.err());
    Path broken = temp.resolve("broken.json");
    Files.writeString(broken, "{\"event\":\"step\"}");
    Result noComparison = run("compare", "--no-model", "--load", broken.toString());
    assertEquals(1, noComparison.code());
    assertTrue(noComparison.err().contains("broken.json is no comparison"), noComparison.err());
    assertEquals(2, run("compare", "cpu", "cpu", "--out", "table.pdf").code());
    assertEquals(2, run("bench", "matmul", "--backend", "wrong").code());
  }
}
