package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.plan.Precision;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Summary;
import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.shell.TinyShell;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Numbers that are shown in several places are the same, of one kind, and say which. */
class NumbersAgreeTest {
  private static final double MS = 1000;
  @TempDir private Path temp;

  private record Output(String out, String err) {}

  private static Output run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    assertEquals(0, Anneal.run(args, new PrintWriter(out), new PrintWriter(err, true)), "" + err);
    return new Output(out.toString(), err.toString());
  }

  private static List<JsonNode> json(String lines, String event) throws IOException {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : lines.lines().toList()) {
      JsonNode node = new ObjectMapper().readTree(line);
      if (node.path("event").asText().equals(event)) {
        nodes.add(node);
      }
    }
    return nodes;
  }

  private static String found(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertTrue(matcher.find(), pattern + " in: " + text);
    String last = matcher.group(1);
    while (matcher.find()) {
      last = matcher.group(1);
    }
    return last;
  }

  private static String last(String text, Predicate<String> of) {
    return text.lines().filter(of).reduce((a, b) -> b).orElseThrow(() -> new AssertionError(text));
  }

  @Test
  void progressStatusAndTheEndLineShowTheSameNumbers() {
    String train = TinyShell.train(temp, "run", "--steps 33 --val-every 11");
    String directory = temp.resolve("run").toString();
    Output trained = run("-c", train + "; status");
    String progress = last(trained.err(), line -> line.startsWith("step=33/33"));
    String end = last(trained.err(), line -> line.startsWith("done after step 33"));
    String again = run("status", directory).out();
    String loss = found(" loss=([\\d.]+)", progress);
    assertEquals("20", found("mean_of=(\\d+)", progress));
    for (String text : List.of(end, trained.out(), again)) {
      assertEquals(loss, found(" ?\\bloss ([\\d.]+)", text.replace("val_loss", "VAL")), text);
      assertEquals("20", found("mean of (\\d+) steps", text), text);
    }
    for (String text : List.of(trained.out(), again)) {
      assertEquals(found(" ms=([\\d.]+)", progress), found("([\\d.]+) ms per step", text));
      assertEquals(
          found("tokens_per_s=(\\d+)", progress),
          found("([\\d,]+) tokens/s", text).replace(",", ""));
    }
    String validation = found("step 33  val_loss ([\\d.]+)", trained.err());
    for (String text : List.of(end, trained.out(), again)) {
      assertEquals(validation, found("val_loss ([\\d.]+) at step 33", text), text);
    }
  }

  @Test
  void meansAreThoseOfTheStepsThatTheySay() throws IOException {
    String train = TinyShell.train(temp, "run", "--steps 25 --json");
    List<JsonNode> steps = json(run("-c", train).out(), "step");
    String directory = temp.resolve("run").toString();
    JsonNode status = json(run("status", directory, "--json").out(), "status").getFirst();
    JsonNode mean = status.path("mean");
    assertEquals(20, mean.path("steps").asInt());
    for (String name : List.of("loss", "grad_norm", "ms")) {
      double expected =
          steps.subList(5, 25).stream().mapToDouble(s -> s.path(name).asDouble()).sum() / 20;
      assertEquals(expected, mean.path(name).asDouble(), 1e-9 * expected, name);
      assertEquals(steps.getLast().path(name), status.path(name), "of the last step alone");
    }
    double tokens = 2 * 16;
    assertEquals(
        tokens / mean.path("ms").asDouble() * 1000, mean.path("tokens_per_s").asDouble(), 1e-6);
  }

  /** 100 steps of a second each, of which {@code made} were made. */
  private static History after(int made) {
    History history = new History();
    history.on(
        new Event.Started(
            "run",
            "tiny",
            1,
            "text",
            "cpu",
            "CPU",
            Precision.FP32,
            0,
            100,
            32,
            1,
            Map.of(),
            Map.of(),
            true,
            Optional.empty()));
    steps(history, 1, made);
    return history;
  }

  private static void steps(History history, int from, int to) {
    for (int i = from; i <= to; i++) {
      history.on(new Event.Step(i, 3, 1e-3, 1, MS, 32, "cpu", Map.of()));
    }
  }

  private static Optional<Double> left(History history) {
    return history.snapshot().summary().secondsLeft();
  }

  @Test
  void theTimeLeftWaitsUntilStepsAndSecondsTell() {
    for (int made = 0; made < 6; made++) {
      assertEquals(Optional.empty(), left(after(made)), made + " steps, the first left out");
    }
    assertEquals(Optional.of(94.0), left(after(6)));
    History history = after(30);
    history.on(new Event.StateChanged(Event.State.PAUSED, 30));
    assertEquals(Optional.empty(), left(history), "a paused run comes to no end");
    history.on(new Event.StateChanged(Event.State.RUNNING, 30));
    assertEquals(Optional.empty(), left(history), "nothing is known of how it goes on");
    steps(history, 31, 40);
    assertEquals(Optional.of(60.0), left(history), "and the pause does not count");
    history.on(new Event.Rewound(10, 40));
    assertEquals(Optional.empty(), left(history));
    steps(history, 11, 20);
    assertEquals(Optional.of(80.0), left(history));
  }

  @Test
  void theTimeLeftIncludesEvaluationsAndCheckpoints() {
    History history = after(0);
    history.on(new Event.Evaluation(0, 3, 60 * MS));
    steps(history, 1, 11);
    assertEquals(Optional.of(89.0), left(history), "the first one says nothing of the others");
    history.on(new Event.Evaluation(11, 3, 4 * MS));
    history.on(new Event.Saved(11, Path.of("step_11"), 1, 1 * MS));
    assertEquals(89 * 1.5, left(history).orElseThrow(), 1e-9);
    history.on(new Event.SampleStarted(11, "of a user"));
    history.on(new Event.SampleEnded(11, 9, 70 * MS, "text"));
    assertEquals(89 * 1.5, left(history).orElseThrow(), 1e-9, "nobody asks for it again");
  }

  @Test
  void aStepOfJsonSaysHowLongIsLeftOnceThatIsKnown() throws IOException {
    String train = TinyShell.train(temp, "run", "--steps 8 --json");
    for (JsonNode step : json(run("-c", train).out(), "step")) {
      assertTrue(!step.has("left_s") || step.path("left_s").isNumber(), "" + step);
    }
    Summary summary = after(50).snapshot().summary();
    assertEquals(50.0, summary.secondsLeft().orElseThrow());
    assertEquals(20, summary.averaged());
  }

  @Test
  void jsonHasNumbersAsNumbersAlsoWhenTheyAreNone() throws IOException {
    Event.Step step =
        new Event.Step(
            7, Double.NaN, 1e-3, Double.POSITIVE_INFINITY, 5, 6, "cpu", Map.of("Matmul", -1 / 0.0));
    JsonNode node = new ObjectMapper().readTree(EventJson.writeAll(step).toString());
    assertTrue(node.path("loss").isNull(), "" + node);
    assertEquals("NaN", node.path("not_finite").path("loss").asText());
    assertEquals("Infinity", node.path("not_finite").path("grad_norm").asText());
    assertTrue(node.path("kinds").path("Matmul").isNull(), "" + node);
    assertEquals(Optional.of(step), EventJson.read(node));
    String old = "{\"event\":\"evaluation\",\"step\":3,\"val_loss\":\"NaN\",\"ms\":1}";
    Event read = EventJson.read(new ObjectMapper().readTree(old)).orElseThrow();
    assertEquals(new Event.Evaluation(3, Double.NaN, 1), read, "as earlier versions wrote it");
    String train = TinyShell.train(temp, "nan", "--steps 9 --lr 1e30 --clip 0 --json");
    StringWriter out = new StringWriter();
    Anneal.run(new String[] {"-c", train}, new PrintWriter(out), new PrintWriter(out));
    assertTrue(out.toString().contains("\"not_finite\":{"), out.toString());
    assertTrue(!out.toString().toLowerCase(Locale.ROOT).contains(":nan"), out.toString());
  }

  @Test
  void aSettingThatIsANumberIsOneInJson() {
    for (String text : List.of("0.001", "3e-4", "200", "12345678901", "off", "v2", "1.50", "NaN")) {
      Event changed = new Event.Changed(1, "lr", text, text);
      JsonNode node = EventJson.write(changed);
      assertEquals(
          List.of("0.001", "3e-4", "200", "12345678901").contains(text),
          node.path("to").isNumber(),
          text);
      assertEquals(Optional.of(changed), EventJson.read(node));
    }
  }
}
