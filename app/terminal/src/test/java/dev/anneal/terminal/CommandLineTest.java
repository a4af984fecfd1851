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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands as a user types them: results, one-line errors and exit codes. */
class CommandLineTest {
  @TempDir private Path temp;

  private record Result(int code, String out, String err) {
    String errorLine() {
      List<String> lines = err.lines().toList();
      assertEquals(1, lines.size(), err);
      return lines.getFirst();
    }
  }

  private static Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Anneal.run(args, new PrintWriter(out), new PrintWriter(err, true));
    return new Result(code, out.toString(), err.toString());
  }

  /** Arguments that train a tiny model, or what {@code more} makes of it. */
  private String[] tiny(String out, String... more) throws IOException {
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog — façade\n".repeat(300));
    List<String> all = new ArrayList<>(List.of("train", "--data", text.toString()));
    all.addAll(List.of("--out", temp.resolve(out).toString()));
    all.addAll(Arrays.asList(more));
    Map<String, String> tiny =
        Map.of(
            "--layers", "1",
            "--channels", "32",
            "--heads", "2",
            "--batch", "2",
            "--seq", "16",
            "--context", "16",
            "--val-every", "4",
            "--threads", "2",
            "--sample-tokens", "20");
    tiny.forEach(
        (option, value) -> {
          if (!all.contains(option)) {
            all.addAll(List.of(option, value));
          }
        });
    return all.toArray(String[]::new);
  }

  private static List<JsonNode> json(String lines) throws IOException {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : lines.lines().toList()) {
      nodes.add(new ObjectMapper().readTree(line));
    }
    return nodes;
  }

  private static List<String> losses(Result result) throws IOException {
    return json(result.out()).stream()
        .filter(n -> n.path("event").asText().equals("step"))
        .map(n -> n.path("step") + ":" + n.path("loss"))
        .toList();
  }

  @Test
  void trainsSamplesResumesAndExports() throws IOException {
    Result whole = run(tiny("whole", "--steps", "12", "--json"));
    assertEquals(0, whole.code(), whole.err());
    Result half = run(tiny("half", "--steps", "12", "--until", "step>=6", "--json"));
    assertEquals(0, half.code(), half.err());
    String directory = temp.resolve("half").toString();
    Result rest = run("train", "--resume", directory, "--json", "--threads", "1");
    assertEquals(0, rest.code(), rest.err());
    List<String> joined = new ArrayList<>(losses(half));
    joined.addAll(losses(rest));
    assertEquals(losses(whole), joined);

    assertTrue(Files.readString(temp.resolve("half/main.log")).contains("s:0 trl:"));
    assertTrue(Files.readString(temp.resolve("half/log.jsonl")).contains("\"event\":\"step\""));

    Result sample = run("sample", "--checkpoint", directory, "--prompt", "the ", "--tokens", "9");
    assertEquals(0, sample.code(), sample.err());
    assertTrue(sample.out().startsWith("the "));

    Path exported = temp.resolve("model.bin");
    assertEquals(0, run("export", directory, exported.toString()).code());
    String imported = temp.resolve("imported").toString();
    assertEquals(0, run("import", exported.toString(), "--out", imported).code());
    Path again = temp.resolve("again.bin");
    assertEquals(0, run("export", imported, again.toString()).code());
    assertEquals(-1, Files.mismatch(exported, again));
    Path half16 = temp.resolve("model16.bin");
    assertEquals(0, run("export", directory, half16.toString(), "--dtype", "bf16").code());
    assertTrue(Files.size(half16) < Files.size(exported));
  }

  @Test
  void agreesWithPyTorch() throws Exception {
    Path folder = Path.of(CommandLineTest.class.getResource("/gpt2-tiny/model.bin").toURI());
    Result result =
        run(
            "verify",
            "--checkpoint",
            folder.toString(),
            "--state",
            folder.resolveSibling("debug_state.bin").toString(),
            "--json");
    assertEquals(0, result.code(), result.err());
    JsonNode node = json(result.out()).getFirst();
    assertTrue(node.path("ok").asBoolean());
    assertTrue(node.path("logits_max_abs").asDouble() <= 2e-6);
    assertEquals(node.path("loss_expected").asDouble(), node.path("loss").asDouble(), 1e-6);
    node.path("gradients").forEach(g -> assertTrue(g.path("relative").asDouble() <= 1e-6, "" + g));
    double[] expected = {
      5.318379, 5.288516, 5.258341, 5.227951, 5.197464, 5.167045, 5.136915, 5.107346, 5.078647,
      5.051124
    };
    assertEquals(expected.length, node.path("losses").size());
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], node.path("losses").get(i).asDouble(), 1e-4);
    }
  }

  @Test
  void printsWhatChunksOfLogitsSave() throws IOException {
    List<Long> bytes = new ArrayList<>();
    for (String chunks : List.of("0", "4")) {
      Result plan =
          run(
              "plan",
              "--model",
              "gpt2-124M",
              "--batch",
              "4",
              "--seq",
              "64",
              "--classifier-chunks",
              chunks,
              "--json");
      bytes.add(json(plan.out()).getFirst().path("bytes").path("activations").asLong());
    }
    // Three quarters of the logits, which little else had been sharing its place with.
    long logits = 4L * 64 * 50304 * 4;
    assertTrue(bytes.get(0) - bytes.get(1) > logits / 2, bytes.toString());
    Result wrong = run("plan", "--classifier-chunks", "-1");
    assertEquals(2, wrong.code());
    assertTrue(wrong.err().contains("--classifier-chunks is -1; expected at least 0"));
  }

  @Test
  void printsThePlanThatTrainingAllocates() throws IOException {
    Result plan = run("plan", "--model", "gpt2-124M", "--batch", "4", "--seq", "64", "--json");
    JsonNode node = json(plan.out()).getFirst();
    assertEquals(124_475_904, node.path("parameters").asLong());
    assertEquals(4 * 124_475_904L, node.path("bytes").path("gradients").asLong(), 1 << 16);
    JsonNode small =
        json(run(
                    "plan",
                    "--layers",
                    "1",
                    "--channels",
                    "32",
                    "--heads",
                    "2",
                    "--batch",
                    "2",
                    "--seq",
                    "16",
                    "--context",
                    "16",
                    "--json")
                .out())
            .getFirst();
    JsonNode started = json(run(tiny("run", "--steps", "1", "--json")).out()).getFirst();
    small
        .path("bytes")
        .properties()
        .forEach(
            entry -> {
              if (!entry.getKey().equals("total") && !entry.getKey().equals("workspace")) {
                assertEquals(
                    entry.getValue().asLong(), started.path("bytes").path(entry.getKey()).asLong());
              }
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "trian|2|train",
        "train --stepz 3|2|--steps",
        "train --steps 3 --seq 16 --steps 4|2|--steps",
        "train --channels 65 --heads 2|2|--heads 2",
        "train --lr -1|2|--lr",
        "train --until loss~2|2|--until",
        "train --data /no/such/file|1|/no/such/file",
        "train --data /|1|/",
        "train --backend nosuch|2|cpu",
        "train --seq 99 --context 9|2|--seq",
        "train --total-batch 1000|2|--total-batch",
        "train --model gpt2-9B|2|gpt2-124M",
        "train --tokenizer nosuch|2|gpt2",
        "train --threads 0|2|--threads",
        "train --resume /no/such/run|1|/no/such/run",
        "sample --checkpoint /no/such/run|1|/no/such/run",
        "sample --checkpoint x --temperature -1|1|x",
        "plan --model gpt2-1558M --batch 4096 --seq 1024 --layers -1|2|--layers",
        "bench NoSuchOp|2|MatmulForward",
        "export /no/such/run x.bin|1|/no/such/run",
        "import /no/such.bin --out x|1|/no/such.bin"
      })
  void saysWhatIsWrongInOneLine(String example) {
    String[] parts = example.split("\\|");
    Result result = run(parts[0].split(" "));
    assertEquals(Integer.parseInt(parts[1]), result.code(), result.err());
    assertTrue(result.errorLine().contains(parts[2]), result.err());
    assertFalse(result.err().contains("\tat "));
  }

  @Test
  void refusesMoreMemoryThanThereIsBeforeAllocating() throws IOException {
    Result result =
        run(tiny("large", "--steps", "1", "--channels", "40960", "--heads", "8", "--layers", "96"));
    assertEquals(1, result.code());
    assertTrue(result.errorLine().contains("--batch"), result.err());
  }

  @Test
  void everyCommandExplainsItselfWithAnExample() {
    for (String command :
        List.of("train", "sample", "plan", "bench", "verify", "import", "export", "backends")) {
      Result result = run(command, "--help");
      assertEquals(0, result.code());
      assertTrue(result.out().contains("Example"), command);
      assertTrue(result.out().contains("--json"), command);
    }
  }

  @Test
  void stopsAtALossThatIsNotFinite() throws IOException {
    Result result = run(tiny("nan", "--steps", "50", "--lr", "1e30", "--clip", "0"));
    assertEquals(4, result.code(), result.err());
    assertTrue(result.err().contains("--lr"), result.err());
  }

  /** Whatever this machine has: where it is, or why not and where it could have been. */
  @Test
  void listsTheLibrariesOfEveryBackend() throws IOException {
    Result result = run("backends", "-v", "--json");
    assertEquals(0, result.code(), result.err());
    List<JsonNode> libraries =
        json(result.out()).stream()
            .filter(node -> node.path("event").asText().equals("library"))
            .toList();
    for (String name : List.of("libcuda", "libnvrtc", "libcublasLt", "libOpenCL")) {
      JsonNode library =
          libraries.stream()
              .filter(node -> node.path("name").asText().equals(name))
              .findFirst()
              .orElseThrow();
      if (library.path("found").asBoolean()) {
        assertTrue(library.path("path").asText().startsWith("/"), library.toString());
      } else {
        assertFalse(library.path("reason").asText().isEmpty());
        assertFalse(library.path("searched").isEmpty());
      }
    }
    Result text = run("backends", "--verbose");
    assertTrue(text.out().contains("libOpenCL  "), text.out());
    assertFalse(run("backends").out().contains("libOpenCL  "));
  }
}
