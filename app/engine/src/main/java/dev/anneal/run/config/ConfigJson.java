package dev.anneal.run.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.data.Documents;
import dev.anneal.data.TextRules;
import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.Models;
import dev.anneal.optimizer.AdamW;
import dev.anneal.optimizer.Muon;
import dev.anneal.training.Schedule;
import java.nio.file.Path;
import java.util.Set;

/** A run's configuration as a checkpoint's manifest keeps it. */
public final class ConfigJson {
  /** Of a model. */
  static final String FAMILY = "family";

  /** Of every model. */
  static final Set<String> SIZES = Set.of("layers", "heads", "channels", "context", "vocabulary");

  private ConfigJson() {}

  public static ObjectNode write(RunConfig config) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.set("model", write(config.model()));
    ObjectNode data = node.putObject("data").put("tokenizer", config.data().tokenizer().identity());
    config.data().source().ifPresent(source -> data.put("source", source));
    config.data().validation().ifPresent(validation -> data.put("validation", validation));
    config.data().text().ifPresent(text -> data.set("text", write(text)));
    node.put("batch", config.batch())
        .put("sequence", config.sequence())
        .put("micro_steps", config.microSteps())
        .put("recompute", config.recompute().name())
        .put("precision", config.precision().name())
        .put("seed", config.seed());
    config.classifierChunks().ifPresent(chunks -> node.put("classifier_chunks", chunks));
    node.set("schedule", write(config.schedule()));
    config
        .origin()
        .ifPresent(
            origin ->
                node.putObject("origin")
                    .put("from", origin.from())
                    .put("sequence", origin.sequence()));
    node.set("adamw", write(config.optimizer().adamW()));
    if (config.optimizer() instanceof Muon muon) {
      node.putObject("muon")
          .put("rate", muon.rate())
          .put("momentum", muon.momentum())
          .put("weight_decay", muon.weightDecay());
    }
    node.set("intervals", write(config.intervals()));
    return node;
  }

  private static ObjectNode write(Schedule schedule) {
    ObjectNode node =
        JsonNodeFactory.instance
            .objectNode()
            .put(
                schedule.shape() instanceof Schedule.Own ? "own" : "shape", schedule.shape().name())
            .put("peak", schedule.peak())
            .put("warmup", schedule.warmup())
            .put("horizon", schedule.horizon())
            .put("final_fraction", schedule.finalFraction());
    if (!schedule.changes().isEmpty()) {
      ArrayNode changes = node.putArray("changes");
      schedule
          .changes()
          .forEach(c -> changes.addObject().put("after", c.after()).put("peak", c.peak()));
    }
    if (!schedule.extensions().isEmpty()) {
      ArrayNode extensions = node.putArray("extensions");
      schedule
          .extensions()
          .forEach(e -> extensions.addObject().put("after", e.after()).put("from", e.from()));
    }
    return node;
  }

  private static ObjectNode write(AdamW adamW) {
    ObjectNode node =
        JsonNodeFactory.instance
            .objectNode()
            .put("beta1", adamW.beta1())
            .put("beta2", adamW.beta2())
            .put("epsilon", adamW.epsilon())
            .put("weight_decay", adamW.weightDecay())
            .put("decay", adamW.decay().name());
    return Float.isFinite(adamW.maxNorm()) ? node.put("max_norm", adamW.maxNorm()) : node;
  }

  private static ObjectNode write(RunConfig.Intervals intervals) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("evaluate", intervals.evaluate())
        .put("evaluation_batches", intervals.evaluationBatches())
        .put("sample", intervals.sample())
        .put("sample_tokens", intervals.sampleTokens())
        .put("checkpoint", intervals.checkpoint())
        .put("checkpoints_kept", intervals.checkpointsKept());
  }

  /** Its family is left out where it is {@link Models#DEFAULT}, as before there was another. */
  private static ObjectNode write(ModelConfig model) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    if (!model.family().equals(Models.DEFAULT)) {
      node.put(FAMILY, model.family().name());
    }
    node.put("layers", model.layers())
        .put("heads", model.heads())
        .put("channels", model.channels())
        .put("context", model.context())
        .put("vocabulary", model.vocabulary());
    model.details().forEach(node::put);
    return node;
  }

  private static ObjectNode write(TextRules text) {
    ObjectNode node = JsonNodeFactory.instance.objectNode().put("field", text.field());
    return switch (text.documents()) {
      case Documents.Named rule -> node.put("documents", rule.name());
      case Documents.Separator(String separator) -> node.put("separator", separator);
    };
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param file where it is from, to name in failures
   * @throws Failure naming the file and the field that is missing, of the wrong kind or out of
   *     range
   */
  public static RunConfig read(JsonNode node, Path file) {
    return new ConfigReader(file).read(node);
  }
}
