package dev.anneal.run.config;

import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.data.Documents;
import dev.anneal.data.TextRules;
import dev.anneal.failure.Failure;
import dev.anneal.model.AbsentModel;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.ModelFamily;
import dev.anneal.model.Models;
import dev.anneal.model.Sizes;
import dev.anneal.optimizer.AdamW;
import dev.anneal.optimizer.Muon;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.training.Schedule;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Reads a saved run's configuration, and trusts none of it. */
final class ConfigReader {
  private final Path file;
  private final Written written;

  ConfigReader(Path file) {
    this.file = file;
    this.written = Written.in(file);
  }

  RunConfig read(JsonNode node) {
    ModelConfig model = model(field(node, "model"));
    JsonNode data = field(node, "data");
    RunConfig.Data source =
        new RunConfig.Data(
            optional(data, "source"),
            optional(data, "validation"),
            tokenizer(data),
            data.has("text") ? Optional.of(textRules(data.path("text"))) : Optional.empty());
    return together(
        () ->
            new RunConfig(
                model,
                source,
                whole(node, "batch", Setting.BATCH),
                whole(node, "sequence", Setting.SEQ),
                whole(node, "micro_steps", Setting.MICRO_STEPS),
                schedule(field(node, "schedule")),
                optimizer(node),
                constant(Recompute.class, node, "recompute"),
                node.has("classifier_chunks")
                    ? Optional.of(whole(node, "classifier_chunks", Setting.CLASSIFIER_CHUNKS))
                    : Optional.empty(),
                // Checkpoints from before there was a choice are fp32.
                node.has("precision")
                    ? constant(Precision.class, node, "precision")
                    : Precision.FP32,
                seed(node),
                intervals(field(node, "intervals")),
                node.has("origin") ? Optional.of(origin(node.path("origin"))) : Optional.empty()));
  }

  private ModelConfig model(JsonNode node) {
    Map<String, Double> details =
        node.properties().stream()
            .filter(field -> field.getValue().isNumber())
            .collect(toMap(Map.Entry::getKey, field -> field.getValue().doubleValue()));
    return together(
        () ->
            family(node)
                .of(
                    new Sizes(
                        whole(node, "layers", Setting.LAYERS),
                        whole(node, "heads", Setting.HEADS),
                        whole(node, "channels", Setting.CHANNELS),
                        whole(node, "context", Setting.CONTEXT),
                        whole(node, "vocabulary", Setting.VOCABULARY)),
                    details));
  }

  /** Of a family that is not Anneal's, what is known without its code. */
  private ModelFamily.Maker family(JsonNode node) {
    if (!node.has(ConfigJson.FAMILY)) {
      return Models.DEFAULT.maker();
    }
    String name = text(node, ConfigJson.FAMILY);
    return Models.family(name)
        .map(ModelFamily::maker)
        .orElse((sizes, details) -> new AbsentModel(name, sizes, own(details)));
  }

  /** Without what every model has. */
  private static Map<String, Double> own(Map<String, Double> numbers) {
    Map<String, Double> own = new TreeMap<>(numbers);
    own.keySet().removeAll(ConfigJson.SIZES);
    return own;
  }

  private Schedule schedule(JsonNode node) {
    return new Schedule(
        shape(node),
        real(node, "peak", Setting.LR),
        whole(node, "warmup", Setting.WARMUP),
        whole(node, "horizon", Setting.STEPS),
        real(node, "final_fraction", Setting.FINAL_LR_FRACTION),
        node.path("changes")
            .valueStream()
            .map(
                c ->
                    new Schedule.PeakChange(
                        whole(c, "after", Setting.STEP), real(c, "peak", Setting.LR)))
            .toList(),
        node.path("extensions")
            .valueStream()
            .map(
                e ->
                    new Schedule.Extension(
                        whole(e, "after", Setting.STEP), whole(e, "from", Setting.STEPS)))
            .toList());
  }

  private Schedule.Shape shape(JsonNode node) {
    return node.has("own")
        ? new Schedule.Own(text(node, "own"), Optional.empty())
        : constant(Schedule.Known.class, node, "shape");
  }

  private Optimizer optimizer(JsonNode node) {
    AdamW adamW = adamW(field(node, "adamw"));
    // Runs from before there was a choice have AdamW alone.
    if (!node.has("muon")) {
      return adamW;
    }
    JsonNode muon = node.path("muon");
    return new Muon(
        adamW,
        (float) real(muon, "rate", Setting.MUON_LR),
        (float) real(muon, "momentum", Setting.MUON_MOMENTUM),
        (float) real(muon, "weight_decay", Setting.WEIGHT_DECAY));
  }

  private AdamW adamW(JsonNode node) {
    return new AdamW(
        (float) real(node, "beta1", Setting.BETA1),
        (float) real(node, "beta2", Setting.BETA2),
        (float) real(node, "epsilon", Setting.EPSILON),
        (float) real(node, "weight_decay", Setting.WEIGHT_DECAY),
        constant(AdamW.Decay.class, node, "decay"),
        node.has("max_norm")
            ? (float) real(node, "max_norm", Setting.CLIP)
            : Float.POSITIVE_INFINITY);
  }

  private RunConfig.Intervals intervals(JsonNode node) {
    return new RunConfig.Intervals(
        whole(node, "evaluate", Setting.VAL_EVERY),
        whole(node, "evaluation_batches", Setting.VAL_BATCHES),
        whole(node, "sample", Setting.SAMPLE_EVERY),
        whole(node, "sample_tokens", Setting.SAMPLE_TOKENS),
        whole(node, "checkpoint", Setting.CHECKPOINT_EVERY),
        whole(node, "checkpoints_kept", Setting.KEEP));
  }

  private TextRules textRules(JsonNode node) {
    Documents documents =
        node.has("separator")
            ? new Documents.Separator(text(node, "separator"))
            : constant(Documents.Named.class, node, "documents");
    return new TextRules(documents, text(node, "field"));
  }

  private RunConfig.Origin origin(JsonNode node) {
    return new RunConfig.Origin(text(node, "from"), whole(node, "sequence", Setting.SEQ));
  }

  private long seed(JsonNode node) {
    JsonNode seed = field(node, "seed");
    if (!seed.canConvertToLong() || !seed.isIntegralNumber()) {
      throw malformed("seed", seed, "a whole number of 64 bits");
    }
    return seed.longValue();
  }

  /** What each field allows may not go together. */
  private <T> T together(Supplier<T> made) {
    try {
      return made.get();
    } catch (Failure e) {
      String message = e.unspelled();
      throw message.startsWith(file.toString())
          ? e
          : Failure.failed(file + " does not fit together: " + message);
    }
  }

  private JsonNode field(JsonNode node, String name) {
    JsonNode field = node.path(name);
    if (field.isMissingNode()) {
      throw Failure.failed(file + " has no field " + name + "; is it a run's?");
    }
    return field;
  }

  private int whole(JsonNode node, String name, Setting setting) {
    JsonNode field = field(node, name);
    if (!field.isIntegralNumber() || !field.canConvertToLong()) {
      throw malformed(setting.field(), field, "a whole number, " + setting.range().expected());
    }
    return setting.whole(written, field.longValue());
  }

  private double real(JsonNode node, String name, Setting setting) {
    JsonNode field = field(node, name);
    if (!field.isNumber()) {
      throw malformed(setting.field(), field, "a number, " + setting.range().expected());
    }
    return setting.real(written, field.doubleValue());
  }

  private String text(JsonNode node, String name) {
    JsonNode field = field(node, name);
    if (!field.isTextual()) {
      throw malformed(name, field, "text");
    }
    return field.textValue();
  }

  private RunTokenizer tokenizer(JsonNode data) {
    String identity = text(data, "tokenizer");
    if (!RunTokenizer.isIdentity(identity)) {
      throw malformed(
          "data.tokenizer", data.path("tokenizer"), "byte, gpt2, or bpe- and a checksum");
    }
    return RunTokenizer.saved(identity, file);
  }

  private Optional<String> optional(JsonNode node, String name) {
    return node.has(name) ? Optional.of(text(node, name)) : Optional.empty();
  }

  private <E extends Enum<E>> E constant(Class<E> type, JsonNode node, String name) {
    String text = text(node, name);
    for (E value : type.getEnumConstants()) {
      if (value.name().equals(text)) {
        return value;
      }
    }
    throw malformed(name, field(node, name), "one of " + List.of(type.getEnumConstants()));
  }

  private Failure malformed(String name, JsonNode field, String expected) {
    return Failure.failed(file + ": " + name + " is " + field + "; expected " + expected);
  }
}
