package dev.anneal.run.log;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

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
    return EventReader.read(node);
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
