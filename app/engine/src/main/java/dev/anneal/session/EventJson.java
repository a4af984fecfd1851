package dev.anneal.session;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.plan.Precision;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** Events as JSON objects, one per line: the form of {@code --json}, of a run's log and records. */
public final class EventJson {
  private EventJson() {}

  /** The event without the times of single kinds of op. */
  public static ObjectNode write(Event event) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    switch (event) {
      case Event.Started e -> writeStarted(node, e);
      case Event.Step e -> {
        node.put("event", "step").put("step", e.step());
        node.put("loss", e.loss());
        node.put("lr", e.learningRate());
        node.put("grad_norm", e.gradientNorm());
        node.put("ms", e.milliseconds())
            .put("tokens_per_s", e.tokensPerSecond())
            .put("backend", e.backend());
      }
      case Event.Evaluation e -> {
        node.put("event", "evaluation").put("step", e.step());
        node.put("val_loss", e.loss());
        node.put("ms", e.milliseconds());
      }
      case Event.SampleStarted e ->
          node.put("event", "sample_started").put("step", e.step()).put("prompt", e.prompt());
      case Event.SampleText e -> node.put("event", "sample_text").put("text", e.text());
      case Event.SampleEnded e ->
          node.put("event", "sample_ended")
              .put("step", e.step())
              .put("tokens", e.tokens())
              .put("ms", e.milliseconds())
              .put("text", e.text());
      case Event.Saved e ->
          node.put("event", "saved")
              .put("step", e.step())
              .put("checkpoint", e.checkpoint().toString())
              .put("bytes", e.bytes())
              .put("ms", e.milliseconds());
      case Event.Changed e ->
          node.put("event", "changed")
              .put("step", e.step())
              .put("setting", e.setting())
              .setAll(Map.of("from", JsonNumbers.of(e.from()), "to", JsonNumbers.of(e.to())));
      case Event.Rewound e ->
          node.put("event", "rewound").put("step", e.step()).put("from", e.from());
      case Event.Branched e ->
          node.put("event", "branched").put("step", e.step()).put("directory", e.to().toString());
      case Event.StateChanged e ->
          node.put("event", "state").put("state", lower(e.state())).put("step", e.step());
      case Event.Warning e -> node.put("event", "warning").put("text", e.text());
      case Event.Reading e ->
          node.put("event", "reading")
              .put("data", e.data())
              .put("bytes", e.bytes())
              .put("of", e.of());
      case Event.Ended e -> {
        node.put("event", "ended").put("outcome", lower(e.outcome())).put("step", e.step());
        e.loss().ifPresent(loss -> node.put("loss", loss));
        e.evaluation().ifPresent(loss -> node.put("val_loss", loss));
        node.put("seconds", e.seconds());
        e.error().ifPresent(error -> node.put("error", error));
      }
    }
    return JsonNumbers.finite(node);
  }

  private static void writeStarted(ObjectNode node, Event.Started e) {
    node.put("event", "started")
        .put("run", e.run())
        .put("model", e.model())
        .put("parameters", e.parameters())
        .put("data", e.data())
        .put("backend", e.backend())
        .put("device", e.device())
        .put("dtype", lower(e.dtype()))
        .put("step", e.step())
        .put("steps", e.steps())
        .put("tokens_per_step", e.tokensPerStep())
        .put("flops_per_token", e.flopsPerToken());
    ObjectNode bytes = node.putObject("bytes");
    e.bytes().forEach(bytes::put);
    if (!e.kernels().isEmpty()) {
      ObjectNode kernels = node.putObject("kernels");
      new TreeMap<>(e.kernels()).forEach(kernels::put);
    }
    node.put("deterministic", e.deterministic());
    e.directory().ifPresent(directory -> node.put("directory", directory.toString()));
  }

  /** The event with all that it says. */
  public static ObjectNode writeAll(Event event) {
    ObjectNode node = write(event);
    if (event instanceof Event.Step step) {
      ObjectNode kinds = node.putObject("kinds");
      step.kinds().forEach(kinds::put);
    }
    return JsonNumbers.finite(node);
  }

  /**
   * Reads what {@link #write} or {@link #writeAll} wrote; what a version of ours does not know is
   * empty.
   */
  public static Optional<Event> read(JsonNode node) {
    int step = node.path("step").asInt();
    return switch (node.path("event").asText()) {
      case "started" ->
          Optional.of(
              new Event.Started(
                  node.path("run").asText(),
                  node.path("model").asText(),
                  node.path("parameters").asLong(),
                  node.path("data").asText(),
                  node.path("backend").asText(),
                  node.path("device").asText(),
                  // Logs of before had fp32 or did not say.
                  constant(Precision.class, node.path("dtype").asText()).orElse(Precision.FP32),
                  step,
                  node.path("steps").asInt(),
                  node.path("tokens_per_step").asInt(),
                  node.path("flops_per_token").asDouble(),
                  map(node.path("bytes"), JsonNode::asLong),
                  map(node.path("kernels"), JsonNode::asInt),
                  node.path("deterministic").asBoolean(true),
                  path(node, "directory")));
      case "step" ->
          Optional.of(
              new Event.Step(
                  step,
                  JsonNumbers.read(node, "loss"),
                  JsonNumbers.read(node, "lr"),
                  JsonNumbers.read(node, "grad_norm"),
                  JsonNumbers.read(node, "ms"),
                  JsonNumbers.read(node, "tokens_per_s"),
                  node.path("backend").asText(),
                  kinds(node.path("kinds"))));
      case "evaluation" ->
          Optional.of(
              new Event.Evaluation(
                  step, JsonNumbers.read(node, "val_loss"), JsonNumbers.read(node, "ms")));
      case "sample_started" ->
          Optional.of(new Event.SampleStarted(step, node.path("prompt").asText()));
      case "sample_text", "sample" -> Optional.of(new Event.SampleText(node.path("text").asText()));
      case "sample_ended" ->
          Optional.of(
              new Event.SampleEnded(
                  step,
                  node.path("tokens").asInt(),
                  JsonNumbers.read(node, "ms"),
                  node.path("text").asText()));
      case "saved" ->
          path(node, "checkpoint")
              .map(
                  checkpoint ->
                      new Event.Saved(
                          step,
                          checkpoint,
                          node.path("bytes").asLong(),
                          JsonNumbers.read(node, "ms")));
      case "changed" ->
          Optional.of(
              new Event.Changed(
                  step,
                  node.path("setting").asText(),
                  JsonNumbers.text(node.path("from")),
                  JsonNumbers.text(node.path("to"))));
      case "rewound" -> Optional.of(new Event.Rewound(step, node.path("from").asInt()));
      case "branched" -> path(node, "directory").map(to -> new Event.Branched(step, to));
      case "state" ->
          constant(Event.State.class, node.path("state").asText())
              .map(state -> new Event.StateChanged(state, step));
      case "warning" -> Optional.of(new Event.Warning(node.path("text").asText()));
      case "reading" ->
          Optional.of(
              new Event.Reading(
                  node.path("data").asText(),
                  node.path("bytes").asLong(),
                  node.path("of").asLong()));
      case "ended" ->
          constant(Event.Outcome.class, node.path("outcome").asText())
              .map(
                  outcome ->
                      new Event.Ended(
                          outcome,
                          step,
                          optional(node, "loss"),
                          optional(node, "val_loss"),
                          JsonNumbers.read(node, "seconds"),
                          Optional.ofNullable(node.path("error").textValue())));
      default -> Optional.empty();
    };
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
        .filter(value -> lower(value).equals(name))
        .findFirst();
  }

  /** Empty also for what is no path on this system. */
  private static Optional<Path> path(JsonNode node, String name) {
    try {
      return Optional.ofNullable(node.path(name).textValue()).map(Path::of);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static Optional<Double> optional(JsonNode node, String name) {
    return node.has(name) ? Optional.of(JsonNumbers.read(node, name)) : Optional.empty();
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
