package dev.anneal.run.log;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.plan.Precision;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Reads an event from what {@link EventJson} wrote, now or in an earlier version.
 *
 * @param step 0 in events of none
 */
record EventReader(JsonNode node, int step) {

  static Optional<Event> read(JsonNode node) {
    return new EventReader(node, node.path("step").asInt()).read();
  }

  private Optional<Event> read() {
    return switch (text("event")) {
      case "started" -> Optional.of(started());
      case "step" -> Optional.of(step(kinds(node.path("kinds"))));
      case "evaluation" ->
          Optional.of(new Event.Evaluation(step, number("val_loss"), number("ms")));
      case "sample_started" -> Optional.of(new Event.SampleStarted(step, text("prompt")));
      case "sample_text", "sample" -> Optional.of(new Event.SampleText(text("text")));
      case "sample_ended" ->
          Optional.of(
              new Event.SampleEnded(step, node.path("tokens").asInt(), number("ms"), text("text")));
      case "saved" ->
          path("checkpoint")
              .map(to -> new Event.Saved(step, to, node.path("bytes").asLong(), number("ms")));
      case "changed" ->
          Optional.of(
              new Event.Changed(
                  step,
                  text("setting"),
                  JsonNumbers.text(node.path("from")),
                  JsonNumbers.text(node.path("to"))));
      case "rewound" -> Optional.of(new Event.Rewound(step, node.path("from").asInt()));
      case "branched" -> path("directory").map(to -> new Event.Branched(step, to));
      case "state" ->
          constant(Event.State.class, text("state"))
              .map(state -> new Event.StateChanged(state, step));
      case "warning" -> Optional.of(new Event.Warning(text("text")));
      case "reading" ->
          Optional.of(
              new Event.Reading(
                  text("data"), node.path("bytes").asLong(), node.path("of").asLong()));
      case "ended" -> constant(Event.Outcome.class, text("outcome")).map(this::ended);
      default -> Optional.empty();
    };
  }

  private Event.Started started() {
    return new Event.Started(
        text("run"),
        text("model"),
        node.path("parameters").asLong(),
        text("data"),
        text("backend"),
        text("device"),
        // Logs of before had fp32 or did not say.
        constant(Precision.class, text("dtype")).orElse(Precision.FP32),
        step,
        node.path("steps").asInt(),
        node.path("tokens_per_step").asInt(),
        node.path("flops_per_token").asDouble(),
        map(node.path("bytes"), JsonNode::asLong),
        map(node.path("kernels"), JsonNode::asInt),
        node.path("deterministic").asBoolean(true),
        path("directory"));
  }

  private Event.Step step(Map<String, Double> kinds) {
    return new Event.Step(
        step,
        number("loss"),
        number("lr"),
        number("grad_norm"),
        number("ms"),
        number("tokens_per_s"),
        text("backend"),
        kinds);
  }

  private Event.Ended ended(Event.Outcome outcome) {
    return new Event.Ended(
        outcome,
        step,
        optional("loss"),
        optional("val_loss"),
        number("seconds"),
        Optional.ofNullable(node.path("error").textValue()));
  }

  private String text(String name) {
    return node.path(name).asText();
  }

  private double number(String name) {
    return JsonNumbers.read(node, name);
  }

  private static <T> Map<String, T> map(JsonNode node, Function<JsonNode, T> value) {
    Map<String, T> map = new TreeMap<>();
    node.properties().forEach(entry -> map.put(entry.getKey(), value.apply(entry.getValue())));
    return map;
  }

  private static Map<String, Double> kinds(JsonNode node) {
    Map<String, Double> kinds = new TreeMap<>();
    node.fieldNames().forEachRemaining(kind -> kinds.put(kind, JsonNumbers.read(node, kind)));
    kinds.remove(JsonNumbers.NOT_FINITE);
    return kinds;
  }

  private static <E extends Enum<E>> Optional<E> constant(Class<E> type, String name) {
    return Arrays.stream(type.getEnumConstants())
        .filter(value -> value.name().toLowerCase(Locale.ROOT).equals(name))
        .findFirst();
  }

  /** Empty also for what is no path on this system. */
  private Optional<Path> path(String name) {
    try {
      return Optional.ofNullable(node.path(name).textValue()).map(Path::of);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private Optional<Double> optional(String name) {
    return node.has(name) ? Optional.of(JsonNumbers.read(node, name)) : Optional.empty();
  }
}
