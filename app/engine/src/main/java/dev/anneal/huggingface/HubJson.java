package dev.anneal.huggingface;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** An object of one of a folder's JSON files. A failure names the file, the field and its value. */
final class HubJson {
  /** An index of a model of a trillion parameters has a few megabytes. */
  private static final int MAXIMUM_BYTES = 64 << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(32)
                          .maxNumberLength(64)
                          .maxStringLength(1 << 20)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final Path file;
  private final String where;
  private final ObjectNode node;

  private HubJson(Path file, String where, ObjectNode node) {
    this.file = file;
    this.where = where;
    this.node = node;
  }

  /**
   * Reads a file that is one JSON object.
   *
   * @throws Failure when it cannot be read, is none, or says something twice
   */
  static HubJson read(Path file) {
    byte[] bytes = InputFile.whole(file, MAXIMUM_BYTES);
    try {
      if (JSON.readTree(bytes) instanceof ObjectNode object) {
        return new HubJson(file, "", object);
      }
    } catch (JacksonException e) {
      throw Failure.failed(
          FileFailures.shown(file)
              + " is no valid JSON: "
              + FileFailures.shown(String.valueOf(e.getOriginalMessage())));
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
    throw Failure.failed(FileFailures.shown(file) + " is no JSON object");
  }

  Failure bad(String field, String expected) {
    JsonNode value = node.path(field);
    return Failure.failed(
        "%s: %s is %s; expected %s"
            .formatted(
                FileFailures.shown(file),
                where + field,
                value.isMissingNode() ? "missing" : FileFailures.shown(value.toString()),
                expected));
  }

  private Optional<JsonNode> value(String field) {
    return Optional.ofNullable(node.get(field)).filter(value -> !value.isNull());
  }

  boolean has(String field) {
    return value(field).isPresent();
  }

  /** The names of all fields. */
  List<String> fields() {
    return node.properties().stream().map(java.util.Map.Entry::getKey).toList();
  }

  Optional<HubJson> object(String field) {
    return value(field)
        .map(
            value -> {
              if (value instanceof ObjectNode object) {
                return new HubJson(file, where + field + ".", object);
              }
              throw bad(field, "an object");
            });
  }

  Optional<String> text(String field) {
    return value(field)
        .map(
            value -> {
              if (value.isTextual()) {
                return value.textValue();
              }
              throw bad(field, "a text");
            });
  }

  /** A whole number from 1 on. */
  Optional<Integer> size(String field) {
    return value(field)
        .map(
            value -> {
              if (value.isIntegralNumber() && value.canConvertToInt() && value.intValue() >= 1) {
                return value.intValue();
              }
              throw bad(field, "a whole number from 1 to " + Integer.MAX_VALUE);
            });
  }

  /** A size that must be there. */
  int requireSize(String field) {
    return size(field).orElseThrow(() -> bad(field, "a whole number"));
  }

  /** A finite number above 0. */
  Optional<Double> number(String field) {
    return value(field)
        .map(
            value -> {
              double number = value.isNumber() ? value.doubleValue() : -1;
              if (number > 0 && Double.isFinite(number)) {
                return number;
              }
              throw bad(field, "a number above 0");
            });
  }

  Optional<Boolean> truth(String field) {
    return value(field)
        .map(
            value -> {
              if (value.isBoolean()) {
                return value.booleanValue();
              }
              throw bad(field, "true or false");
            });
  }

  /** Refuses what the models here do not have. */
  void requireIfThere(String field, boolean expected) {
    if (truth(field).orElse(expected) != expected) {
      throw bad(field, expected + ", as nothing else is known here");
    }
  }
}
