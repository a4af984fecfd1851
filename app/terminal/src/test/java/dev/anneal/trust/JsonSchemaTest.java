package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.shell.TinyShell;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/json.md says of every object that a command prints what is in it, and nothing else. */
class JsonSchemaTest {
  /** Where tests run: in a module of the project. */
  private static final Path DOCUMENT = Path.of("../../docs/json.md");

  /** What no test here can see, and why. */
  private static final Map<String, String> NOT_SEEN =
      Map.of(
          "kernel", "only devices with versions of kernels, which the CPU has none of",
          "kernels_chosen", "the same",
          "product_algorithm", "only a GPU has a vendor's library",
          "missing", "a machine that has every backend has none",
          "typed", "only a prompt has a history",
          "error", "an answer to what was typed in a chat",
          "answer", "the same",
          "bench_step", "a whole step takes too long for a test",
          "warning", "a run that has nothing to warn of has none");

  /** A field: its type, and whether objects may lack it. */
  private record Field(String type, boolean optional) {}

  private static final Map<String, Map<String, Field>> SCHEMA = new TreeMap<>();
  private static final List<JsonNode> SEEN = new ArrayList<>();

  @BeforeAll
  static void readAndRun(@TempDir Path temp) throws IOException, URISyntaxException {
    read();
    run(temp);
  }

  private static void read() throws IOException {
    Matcher events =
        Pattern.compile("^### `(\\w+)`.*?\n(.*?)(?=^##|\\z)", Pattern.MULTILINE | Pattern.DOTALL)
            .matcher(Files.readString(DOCUMENT));
    Pattern row = Pattern.compile("^\\| `([^`]+)` \\| ([a-z ]+) \\| (.*?) \\| (.*?) \\|$");
    while (events.find()) {
      Map<String, Field> fields = new HashMap<>();
      for (String line : events.group(2).lines().toList()) {
        Matcher matcher = row.matcher(line);
        if (matcher.matches()) {
          fields.put(
              matcher.group(1), new Field(matcher.group(2), !matcher.group(4).equals("never")));
        }
      }
      SCHEMA.put(events.group(1), fields);
    }
  }

  private static String text(Path path) {
    return "'" + path + "'";
  }

  private static void run(Path temp) throws IOException, URISyntaxException {
    Path gpt2 = Path.of(JsonSchemaTest.class.getResource("/gpt2-tiny/model.bin").toURI());
    String tiny = "--layers 1 --heads 2 --channels 16 --batch 2 --seq 16 --context 16 --threads 1";
    String record = text(temp.resolve("record.jsonl"));
    print(
        TinyShell.train(temp, "run", "--steps 9 --val-every 3 --sample-tokens 5 --paused")
            + "; record "
            + record
            + "; step 5; status; set; set lr 0.001; set temperature 0; show; show config;"
            + " show model; show plan; show memory; show kernels; show run; inspect;"
            + " inspect wte.weight; sample --tokens 4 the; rewind 4; save; resume; wait; pause;"
            + " record stop; branch child; status; plot; plot "
            + text(temp.resolve("x.svg"))
            + "; dashboard --once; stop; runs "
            + text(temp)
            + "; alias s status; alias; time status; watch --count 1 status; history;"
            + " apropos; apropos lr; tokenize a text; detokenize 64; help; help status; quit");
    print(
        "load "
            + text(temp.resolve("run"))
            + "; dashboard; replay --speed 0 "
            + record
            + "; status "
            + text(temp.resolve("run"))
            + "; export "
            + text(temp.resolve("run"))
            + " "
            + text(temp.resolve("model.bin"))
            + "; import "
            + text(temp.resolve("model.bin"))
            + " --out "
            + text(temp.resolve("in"))
            + "; tokenize --train 300 --out "
            + text(temp.resolve("tokenizer.json"))
            + "; sample --tokens 3 --checkpoint "
            + text(temp.resolve("run"))
            + "; backends -v; plan --ops "
            + tiny.replace(" --threads 1", "")
            + "; plan --device-costs --target sm_90 --backend cuda --layers 2"
            + "; compare cpu cpu --steps 1 --warmup 0; bench GeluForward "
            + tiny
            + "; selftest --quick --backend cpu --threads 1; verify --checkpoint "
            + text(gpt2)
            + " --state "
            + text(gpt2.resolveSibling("debug_state.bin"))
            + " --steps 1");
    print(TinyShell.train(temp, "nan", "--steps 9 --lr 1e30 --clip 0"));
    String nan = text(temp.resolve("nan"));
    print(
        "runs note "
            + nan
            + " diverged; runs tag "
            + nan
            + " odd; runs "
            + text(temp)
            + "; runs mv "
            + nan
            + " odd; runs rm --yes "
            + text(temp.resolve("odd")));
  }

  private static void print(String script) throws IOException {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] args = {"--json", "--keep-going", "-c", script};
    Anneal.run(args, new PrintWriter(out), new PrintWriter(err, true));
    for (String line : out.toString().lines().toList()) {
      SEEN.add(new ObjectMapper().readTree(line));
    }
  }

  /** Every field of an object by its path: {@code mean.loss}, {@code devices[].step_ms}. */
  private static void fields(
      Map<String, Field> known, String path, JsonNode node, Map<String, JsonNode> found) {
    if (!path.isEmpty()) {
      found.put(path, node);
    }
    Field field = known.getOrDefault(path, new Field("", false));
    if (field.type().startsWith("map")) {
      node.properties()
          .forEach(
              e -> {
                if (!e.getKey().equals("not_finite")) {
                  fields(known, path + ".*", e.getValue(), found);
                }
              });
    } else if (node.isObject() && !field.type().equals("any")) {
      String begin = path.isEmpty() ? "" : path + ".";
      node.properties().forEach(e -> fields(known, begin + e.getKey(), e.getValue(), found));
    } else if (node.isArray()) {
      node.forEach(element -> fields(known, path + "[]", element, found));
    }
  }

  private static boolean isOf(String type, JsonNode node) {
    return switch (type) {
      case "text" -> node.isTextual();
      case "number" -> node.isNumber() || node.isNull();
      case "whole number" -> node.isIntegralNumber();
      case "boolean" -> node.isBoolean();
      case "object", "map" -> node.isObject();
      case "array" -> node.isArray();
      case "number or text" -> node.isNumber() || node.isTextual();
      case "any" -> true;
      default -> throw new AssertionError("no type " + type);
    };
  }

  @Test
  void everyObjectHasAnEventThatIsDocumented() {
    for (JsonNode object : SEEN) {
      assertTrue(object.path("event").isTextual(), "" + object);
      assertTrue(SCHEMA.containsKey(object.path("event").asText()), "not documented: " + object);
    }
  }

  @Test
  void everyFieldIsDocumentedAndOfItsType() {
    TreeSet<String> faults = new TreeSet<>();
    for (JsonNode object : SEEN) {
      String event = object.path("event").asText();
      Map<String, Field> known = SCHEMA.getOrDefault(event, Map.of());
      Map<String, JsonNode> found = new HashMap<>();
      fields(known, "", object, found);
      found.forEach(
          (path, node) -> {
            Field field = known.get(path);
            if (path.equals("event")
                || path.endsWith("not_finite")
                || path.contains("not_finite.")) {
              return;
            }
            if (field == null) {
              faults.add(event + "." + path + " is not documented: " + node);
            } else if (!isOf(field.type(), node)) {
              faults.add(event + "." + path + " is no " + field.type() + ": " + node);
            }
          });
      known.forEach(
          (path, field) -> {
            if (!field.optional()
                && !path.contains(".")
                && !path.contains("[")
                && !found.containsKey(path)) {
              faults.add(event + "." + path + " is never absent, but was: " + object);
            }
          });
    }
    assertTrue(faults.isEmpty(), String.join("\n", faults));
  }

  @Test
  void everyDocumentedEventWasSeenOrCannotBe() {
    TreeSet<String> seen = new TreeSet<>();
    SEEN.forEach(object -> seen.add(object.path("event").asText()));
    for (String event : SCHEMA.keySet()) {
      assertTrue(seen.contains(event) || NOT_SEEN.containsKey(event), event + " was never seen");
    }
    assertTrue(SCHEMA.size() > 30, "" + SCHEMA.keySet());
  }

  @Test
  void everyDocumentedFieldWasSeenSomewhere() {
    for (Map.Entry<String, Map<String, Field>> event : SCHEMA.entrySet()) {
      List<JsonNode> objects =
          SEEN.stream().filter(o -> o.path("event").asText().equals(event.getKey())).toList();
      TreeSet<String> found = new TreeSet<>();
      for (JsonNode object : objects) {
        Map<String, JsonNode> fields = new HashMap<>();
        fields(event.getValue(), "", object, fields);
        found.addAll(fields.keySet());
      }
      event
          .getValue()
          .forEach(
              (path, field) ->
                  assertTrue(
                      objects.isEmpty()
                          || field.optional()
                          || path.contains(".")
                          || found.contains(path),
                      event.getKey() + "." + path + " was never seen"));
    }
  }

  @Test
  void noNumberIsWrittenAsText() {
    Pattern number = Pattern.compile("-?\\d+(\\.\\d+)?([eE][-+]?\\d+)?|NaN|-?Infinity");
    for (JsonNode object : SEEN) {
      Map<String, JsonNode> found = new HashMap<>();
      fields(SCHEMA.getOrDefault(object.path("event").asText(), Map.of()), "", object, found);
      found.forEach(
          (path, node) ->
              assertFalse(
                  node.isTextual()
                      && !path.contains("not_finite")
                      && !path.equals("version")
                      && number.matcher(node.asText()).matches(),
                  path + " of " + object));
    }
  }
}
