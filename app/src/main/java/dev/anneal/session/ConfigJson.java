package dev.anneal.session;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import dev.anneal.model.GptConfig;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.training.AdamWSettings;
import dev.anneal.training.Schedule;
import java.util.List;
import java.util.Optional;

/** A run's configuration as a checkpoint's manifest keeps it. */
public final class ConfigJson {
  private ConfigJson() {}

  public static ObjectNode write(RunConfig config) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    GptConfig model = config.model();
    node.putObject("model")
        .put("layers", model.layers())
        .put("heads", model.heads())
        .put("channels", model.channels())
        .put("context", model.context())
        .put("vocabulary", model.vocabulary());
    ObjectNode data = node.putObject("data").put("tokenizer", config.data().tokenizer());
    config.data().source().ifPresent(source -> data.put("source", source));
    config.data().validation().ifPresent(validation -> data.put("validation", validation));
    node.put("batch", config.batch())
        .put("sequence", config.sequence())
        .put("micro_steps", config.microSteps())
        .put("recompute", config.recompute().name())
        .put("precision", config.precision().name())
        .put("seed", config.seed());
    config.classifierChunks().ifPresent(chunks -> node.put("classifier_chunks", chunks));
    Schedule schedule = config.schedule();
    ObjectNode rates =
        node.putObject("schedule")
            .put("shape", schedule.shape().name())
            .put("peak", schedule.peak())
            .put("warmup", schedule.warmup())
            .put("horizon", schedule.horizon())
            .put("final_fraction", schedule.finalFraction());
    if (!schedule.changes().isEmpty()) {
      ArrayNode changes = rates.putArray("changes");
      schedule
          .changes()
          .forEach(c -> changes.addObject().put("after", c.after()).put("peak", c.peak()));
    }
    AdamWSettings adamW = config.adamW();
    ObjectNode optimizer =
        node.putObject("adamw")
            .put("beta1", adamW.beta1())
            .put("beta2", adamW.beta2())
            .put("epsilon", adamW.epsilon())
            .put("weight_decay", adamW.weightDecay())
            .put("decay", adamW.decay().name());
    if (Float.isFinite(adamW.maxNorm())) {
      optimizer.put("max_norm", adamW.maxNorm());
    }
    RunConfig.Intervals intervals = config.intervals();
    node.putObject("intervals")
        .put("evaluate", intervals.evaluate())
        .put("evaluation_batches", intervals.evaluationBatches())
        .put("sample", intervals.sample())
        .put("sample_tokens", intervals.sampleTokens())
        .put("checkpoint", intervals.checkpoint())
        .put("checkpoints_kept", intervals.checkpointsKept());
    return node;
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws Failure naming the field that is missing or of the wrong kind
   */
  public static RunConfig read(JsonNode node) {
    JsonNode model = field(node, "model");
    JsonNode data = field(node, "data");
    JsonNode schedule = field(node, "schedule");
    JsonNode adamW = field(node, "adamw");
    JsonNode intervals = field(node, "intervals");
    return new RunConfig(
        new GptConfig(
            integer(model, "layers"),
            integer(model, "heads"),
            integer(model, "channels"),
            integer(model, "context"),
            integer(model, "vocabulary")),
        new RunConfig.Data(
            optional(data, "source"), optional(data, "validation"), text(data, "tokenizer")),
        integer(node, "batch"),
        integer(node, "sequence"),
        integer(node, "micro_steps"),
        new Schedule(
            constant(Schedule.Shape.class, schedule, "shape"),
            number(schedule, "peak"),
            integer(schedule, "warmup"),
            integer(schedule, "horizon"),
            number(schedule, "final_fraction"),
            peakChanges(schedule.path("changes"))),
        new AdamWSettings(
            (float) number(adamW, "beta1"),
            (float) number(adamW, "beta2"),
            (float) number(adamW, "epsilon"),
            (float) number(adamW, "weight_decay"),
            constant(AdamWSettings.Decay.class, adamW, "decay"),
            adamW.has("max_norm") ? (float) number(adamW, "max_norm") : Float.POSITIVE_INFINITY),
        constant(Recompute.class, node, "recompute"),
        node.has("classifier_chunks")
            ? Optional.of(integer(node, "classifier_chunks"))
            : Optional.empty(),
        // Checkpoints from before there was a choice are fp32.
        node.has("precision") ? constant(Precision.class, node, "precision") : Precision.FP32,
        field(node, "seed").asLong(),
        new RunConfig.Intervals(
            integer(intervals, "evaluate"),
            integer(intervals, "evaluation_batches"),
            integer(intervals, "sample"),
            integer(intervals, "sample_tokens"),
            integer(intervals, "checkpoint"),
            integer(intervals, "checkpoints_kept")));
  }

  private static List<Schedule.PeakChange> peakChanges(JsonNode changes) {
    return changes
        .valueStream()
        .map(c -> new Schedule.PeakChange(integer(c, "after"), number(c, "peak")))
        .toList();
  }

  private static JsonNode field(JsonNode node, String name) {
    JsonNode field = node.path(name);
    if (field.isMissingNode()) {
      throw Failure.failed("the checkpoint's manifest has no field " + name + "; is it a run's?");
    }
    return field;
  }

  private static int integer(JsonNode node, String name) {
    JsonNode field = field(node, name);
    if (!field.canConvertToInt() || !field.isIntegralNumber()) {
      throw malformed(name, field, "an integer");
    }
    return field.intValue();
  }

  private static double number(JsonNode node, String name) {
    JsonNode field = field(node, name);
    if (!field.isNumber()) {
      throw malformed(name, field, "a number");
    }
    return field.doubleValue();
  }

  private static String text(JsonNode node, String name) {
    JsonNode field = field(node, name);
    if (!field.isTextual()) {
      throw malformed(name, field, "text");
    }
    return field.textValue();
  }

  private static Optional<String> optional(JsonNode node, String name) {
    return node.has(name) ? Optional.of(text(node, name)) : Optional.empty();
  }

  private static <E extends Enum<E>> E constant(Class<E> type, JsonNode node, String name) {
    String text = text(node, name);
    for (E value : type.getEnumConstants()) {
      if (value.name().equals(text)) {
        return value;
      }
    }
    throw malformed(name, field(node, name), "one of " + List.of(type.getEnumConstants()));
  }

  private static Failure malformed(String name, JsonNode field, String expected) {
    return Failure.failed(
        "the checkpoint's manifest has " + name + " = " + field + "; expected " + expected);
  }
}
