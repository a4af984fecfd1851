package dev.anneal.session;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;

/** Events as JSON objects, one per line: the form of {@code --json} and of a run's log. */
public final class EventJson {
  private EventJson() {}

  public static ObjectNode write(Event event) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    switch (event) {
      case Event.Started e -> {
        node.put("event", "started")
            .put("run", e.run())
            .put("model", e.model())
            .put("parameters", e.parameters())
            .put("data", e.data())
            .put("backend", e.backend())
            .put("device", e.device())
            .put("step", e.step())
            .put("steps", e.steps())
            .put("tokens_per_step", e.tokensPerStep())
            .put("flops_per_token", e.flopsPerToken());
        ObjectNode bytes = node.putObject("bytes");
        e.bytes().forEach(bytes::put);
        e.directory().ifPresent(directory -> node.put("directory", directory.toString()));
      }
      case Event.Step e -> {
        node.put("event", "step").put("step", e.step());
        number(node, "loss", e.loss());
        node.put("lr", e.learningRate());
        number(node, "grad_norm", e.gradientNorm());
        node.put("ms", e.milliseconds())
            .put("tokens_per_s", e.tokensPerSecond())
            .put("backend", e.backend());
      }
      case Event.Evaluation e -> {
        node.put("event", "evaluation").put("step", e.step());
        number(node, "val_loss", e.loss());
        node.put("ms", e.milliseconds());
      }
      case Event.SampleStarted e ->
          node.put("event", "sample_started").put("step", e.step()).put("prompt", e.prompt());
      case Event.SampleText e -> node.put("event", "sample").put("text", e.text());
      case Event.SampleEnded e ->
          node.put("event", "sample_ended").put("tokens", e.tokens()).put("ms", e.milliseconds());
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
              .put("from", e.from())
              .put("to", e.to());
      case Event.StateChanged e ->
          node.put("event", "state").put("state", lower(e.state())).put("step", e.step());
      case Event.Warning e -> node.put("event", "warning").put("text", e.text());
      case Event.Ended e -> {
        node.put("event", "ended").put("outcome", lower(e.outcome())).put("step", e.step());
        e.loss().ifPresent(loss -> number(node, "loss", loss));
        e.evaluation().ifPresent(loss -> number(node, "val_loss", loss));
        node.put("seconds", e.seconds());
        e.error().ifPresent(error -> node.put("error", error));
      }
    }
    return node;
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** JSON has no NaN and no infinity: these become text. */
  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.put(name, Double.toString(value));
    }
  }
}
