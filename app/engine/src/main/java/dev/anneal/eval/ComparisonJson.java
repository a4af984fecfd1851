package dev.anneal.eval;

import static dev.anneal.failure.Spelling.setting;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.eval.Comparison.DeviceResult;
import dev.anneal.eval.Comparison.Divergence;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Precision;
import dev.anneal.reference.Difference;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** A comparison as JSON, to print and to set beside those of other machines. */
public final class ComparisonJson {
  private static final int MOST_BYTES = 1 << 24;

  private ComparisonJson() {}

  public static ObjectNode write(Comparison comparison) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "comparison")
        .put("model", comparison.model())
        .put("batch", comparison.batch())
        .put("sequence", comparison.sequence())
        .put("after", comparison.steps().after())
        .put("steps", comparison.steps().count())
        .put("diverged", comparison.diverged());
    ArrayNode devices = node.putArray("devices");
    comparison.devices().forEach(device -> write(devices.addObject(), device));
    return node;
  }

  private static void write(ObjectNode node, DeviceResult device) {
    node.put("backend", device.backend())
        .put("device", device.device())
        .put("details", device.details())
        .put("memory_bytes", device.memoryBytes())
        .put("host", device.origin().host())
        .put("date", device.origin().date())
        .put("version", device.origin().version())
        .put("dtype", device.origin().dtype());
    number(node, "step_ms", device.stepMs());
    number(node, "tokens_per_s", device.tokensPerSecond());
    device
        .utilization()
        .ifPresent(
            mfu ->
                node.put("mfu", mfu.share())
                    .put("mfu_of", mfu.peak().source().word())
                    .put("peak_flops", mfu.peak().flops()));
    ObjectNode kernels = node.putObject("kernels");
    new TreeMap<>(device.kernels()).forEach(kernels::put);
    ObjectNode kinds = node.putObject("kinds_ms");
    device.kinds().forEach(kinds::put);
    device.spread().step().ifPresent(range -> range(node.putArray("step_ms_quartiles"), range));
    ObjectNode ranges = node.putObject("kinds_ms_quartiles");
    device.spread().kinds().forEach((kind, range) -> range(ranges.putArray(kind), range));
    ArrayNode losses = node.putArray("losses");
    device.losses().forEach(losses::add);
    ObjectNode errors = node.putObject("errors");
    device
        .errors()
        .forEach(
            (kind, e) -> {
              ObjectNode error = errors.putObject(kind);
              number(error, "max_abs", e.maxAbs());
              number(error, "relative", e.relative());
              number(error, "ulps", e.ulps());
            });
    device
        .divergence()
        .ifPresent(
            d ->
                node.putObject("divergence")
                    .put("op", d.op())
                    .put("kind", d.kind())
                    .put("tensor", d.tensor())
                    .put("error", d.error())
                    .put("tolerance", d.tolerance()));
  }

  private static void range(ArrayNode node, Spread.Range range) {
    node.add(range.low()).add(range.high());
  }

  private static Spread.Range range(JsonNode node) {
    return new Spread.Range(node.path(0).asDouble(), node.path(1).asDouble());
  }

  private static Spread spread(JsonNode device) {
    JsonNode step = device.path("step_ms_quartiles");
    return new Spread(
        step.isEmpty() ? Optional.empty() : Optional.of(range(step)),
        map(device.path("kinds_ms_quartiles"), ComparisonJson::range));
  }

  private static Origin origin(JsonNode device) {
    return new Origin(
        device.path("host").asText(),
        device.path("date").asText(),
        device.path("version").asText(),
        device.path("dtype").asText());
  }

  /** JSON has no infinity; a number that is missing is one. */
  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    }
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws Failure when the file cannot be read or is no comparison
   */
  public static Comparison read(Path file) {
    JsonNode node;
    try {
      node = new ObjectMapper().readTree(InputFile.whole(file, MOST_BYTES));
    } catch (JsonProcessingException e) {
      throw notOne(file);
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
    if (!node.path("event").asText().equals("comparison") || node.path("devices").isEmpty()) {
      throw notOne(file);
    }
    List<DeviceResult> devices = new ArrayList<>();
    node.path("devices").forEach(device -> devices.add(device(device)));
    return new Comparison(
        node.path("model").asText(),
        node.path("batch").asInt(),
        node.path("sequence").asInt(),
        new Comparison.Steps(node.path("after").asInt(), node.path("steps").asInt()),
        List.copyOf(devices));
  }

  private static Failure notOne(Path file) {
    return Failure.failed(
        file + " is no comparison; expected a file from compare " + setting("save"));
  }

  private static DeviceResult device(JsonNode node) {
    List<Double> losses = new ArrayList<>();
    node.path("losses").forEach(loss -> losses.add(loss.asDouble()));
    JsonNode d = node.path("divergence");
    return new DeviceResult(
        node.path("backend").asText(),
        node.path("device").asText(),
        node.path("details").asText(),
        map(node.path("kernels"), JsonNode::asInt),
        node.path("memory_bytes").asLong(),
        node.path("step_ms").asDouble(Double.NaN),
        node.path("tokens_per_s").asDouble(Double.NaN),
        map(node.path("kinds_ms"), JsonNode::asDouble),
        losses,
        map(
            node.path("errors"),
            e -> new Difference(error(e, "max_abs"), error(e, "relative"), error(e, "ulps"))),
        d.isMissingNode()
            ? Optional.empty()
            : Optional.of(
                new Divergence(
                    d.path("op").asInt(),
                    d.path("kind").asText(),
                    d.path("tensor").asText(),
                    d.path("error").asText(),
                    d.path("tolerance").asText())),
        spread(node),
        utilization(node),
        origin(node));
  }

  private static Optional<Utilization> utilization(JsonNode node) {
    double peak = node.path("peak_flops").asDouble();
    return Peak.Source.of(node.path("mfu_of").asText())
        .flatMap(
            source ->
                precision(node.path("dtype").asText())
                    .map(precision -> new Peak(peak, precision, source)))
        .map(of -> new Utilization(node.path("mfu").asDouble() * peak, of));
  }

  private static Optional<Precision> precision(String dtype) {
    return Arrays.stream(Precision.values())
        .filter(precision -> precision.name().toLowerCase(Locale.ROOT).equals(dtype))
        .findFirst();
  }

  private static double error(JsonNode node, String name) {
    return node.path(name).asDouble(Double.POSITIVE_INFINITY);
  }

  private static <T> Map<String, T> map(JsonNode node, Function<JsonNode, T> value) {
    Map<String, T> map = new TreeMap<>();
    node.properties().forEach(entry -> map.put(entry.getKey(), value.apply(entry.getValue())));
    return map;
  }
}
