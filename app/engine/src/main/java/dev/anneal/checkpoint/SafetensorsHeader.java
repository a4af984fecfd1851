package dev.anneal.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/**
 * The JSON header of a safetensors file: the names, types, shapes and places of its tensors. It is
 * read strictly: what the format forbids, what is ambiguous (a name twice) and what could harm a
 * terminal (control characters in a name) is refused, before anything is allocated for the tensors.
 *
 * @param tensors by name, in the order of their data
 * @param metadata of the whole file; it is data, never an instruction
 */
record SafetensorsHeader(
    SequencedMap<String, SafetensorsEntry> tensors, Map<String, String> metadata) {
  /** The longest header that is read, as in the reference implementation. */
  static final int MAXIMUM_BYTES = 100_000_000;

  private static final int MAXIMUM_TENSORS = 200_000;
  private static final String METADATA = "__metadata__";

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNameLength(4096)
                  .maxNumberLength(20)
                  .maxStringLength(1 << 20)
                  .build())
          .build();

  SafetensorsHeader {
    tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /** The offset behind the last tensor. */
  long dataBytes() {
    return tensors.isEmpty() ? 0 : tensors.lastEntry().getValue().end();
  }

  /**
   * Reads a header.
   *
   * @param file to name in failures
   * @throws Failure at the first thing that is wrong with it
   */
  static SafetensorsHeader parse(String file, byte[] json) {
    return new Reader(file).header(json);
  }

  /** The header as bytes, padded with spaces to a multiple of 8. */
  byte[] bytes() {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = JSON.createGenerator(text)) {
      out.writeStartObject();
      if (!metadata.isEmpty()) {
        out.writeObjectFieldStart(METADATA);
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          out.writeStringField(entry.getKey(), entry.getValue());
        }
        out.writeEndObject();
      }
      for (SafetensorsEntry entry : tensors.values()) {
        out.writeObjectFieldStart(entry.name());
        out.writeStringField("dtype", entry.type().name());
        writeNumbers(out, "shape", entry.shape());
        writeNumbers(out, "data_offsets", List.of(entry.begin(), entry.end()));
        out.writeEndObject();
      }
      out.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("a string writer failed", e);
    }
    byte[] json = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(json, Math.ceilDiv(json.length, 8) * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static void writeNumbers(JsonGenerator out, String field, List<Long> numbers)
      throws IOException {
    out.writeArrayFieldStart(field);
    for (long number : numbers) {
      out.writeNumber(number);
    }
    out.writeEndArray();
  }

  /** Reads one header. */
  private static final class Reader {
    private final String file;
    private final Map<String, SafetensorsEntry> tensors = new LinkedHashMap<>();
    private Optional<Map<String, String>> metadata = Optional.empty();

    Reader(String file) {
      this.file = file;
    }

    SafetensorsHeader header(byte[] json) {
      try (JsonParser parser = JSON.createParser(text(json))) {
        expect(parser, parser.nextToken(), JsonToken.START_OBJECT, "the header");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          entry(parser);
        }
        if (parser.nextToken() != null) {
          throw bad("the header goes on behind its closing brace");
        }
      } catch (IOException e) {
        throw bad(
            "the header is not the JSON it should be: "
                + FileFailures.shown(
                    String.valueOf(
                        e instanceof JacksonException j
                            ? j.getOriginalMessage()
                            : e.getMessage())));
      }
      return new SafetensorsHeader(placed(), metadata.orElse(Map.of()));
    }

    private String text(byte[] json) {
      int end = json.length;
      while (end > 0 && json[end - 1] == ' ') {
        end--;
      }
      if (end == 0 || json[0] != '{' || json[end - 1] != '}') {
        throw bad("the header must begin with { and end with } and spaces");
      }
      try {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json, 0, end)).toString();
      } catch (CharacterCodingException e) {
        throw bad("the header is not UTF-8");
      }
    }

    private void entry(JsonParser parser) throws IOException {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      if (name.equals(METADATA)) {
        if (metadata.isPresent()) {
          throw bad(METADATA + " is there twice");
        }
        expect(parser, value, JsonToken.START_OBJECT, METADATA);
        metadata = Optional.of(strings(parser));
        return;
      }
      requireSafe(name);
      String what = "tensor " + FileFailures.shown(name);
      expect(parser, value, JsonToken.START_OBJECT, what);
      if (tensors.size() == MAXIMUM_TENSORS) {
        throw bad("there are more than " + MAXIMUM_TENSORS + " tensors");
      }
      if (tensors.put(name, tensor(parser, name, what)) != null) {
        throw bad(what + " is there twice");
      }
    }

    private Map<String, String> strings(JsonParser parser) throws IOException {
      Map<String, String> strings = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        expect(parser, parser.nextToken(), JsonToken.VALUE_STRING, METADATA + " values");
        if (strings.put(key, parser.getText()) != null) {
          throw bad(METADATA + " has " + FileFailures.shown(key) + " twice");
        }
      }
      return strings;
    }

    private void requireSafe(String name) {
      boolean odd =
          name.codePoints()
              .anyMatch(
                  c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
      if (name.isEmpty() || odd) {
        throw bad(
            "the tensor name '"
                + FileFailures.shown(name)
                + "' is empty or has control characters");
      }
    }

    private SafetensorsEntry tensor(JsonParser parser, String name, String what)
        throws IOException {
      Set<String> seen = new HashSet<>();
      Optional<SafetensorsType> type = Optional.empty();
      Optional<List<Long>> shape = Optional.empty();
      Optional<List<Long>> offsets = Optional.empty();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        if (!seen.add(field)) {
          throw bad(what + " has " + FileFailures.shown(field) + " twice");
        }
        JsonToken value = parser.nextToken();
        switch (field) {
          case "dtype" -> type = Optional.of(type(parser, value, what));
          case "shape" -> shape = Optional.of(numbers(parser, value, what + "'s shape"));
          case "data_offsets" ->
              offsets = Optional.of(numbers(parser, value, what + "'s data_offsets"));
          default -> throw bad(what + " has an unknown field " + FileFailures.shown(field));
        }
      }
      if (type.isEmpty() || shape.isEmpty() || offsets.isEmpty()) {
        throw bad(what + " needs dtype, shape and data_offsets, and has " + seen);
      }
      if (offsets.get().size() != 2) {
        throw bad(what + "'s data_offsets are " + offsets.get() + "; expected two numbers");
      }
      return entry(
          what, name, type.get(), shape.get(), offsets.get().getFirst(), offsets.get().getLast());
    }

    private SafetensorsType type(JsonParser parser, JsonToken value, String what)
        throws IOException {
      expect(parser, value, JsonToken.VALUE_STRING, what + "'s dtype");
      String text = parser.getText();
      return Arrays.stream(SafetensorsType.values())
          .filter(type -> type.name().equals(text))
          .findFirst()
          .orElseThrow(() -> bad(what + " has the unknown dtype " + FileFailures.shown(text)));
    }

    private List<Long> numbers(JsonParser parser, JsonToken value, String what) throws IOException {
      expect(parser, value, JsonToken.START_ARRAY, what);
      List<Long> numbers = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        boolean whole = parser.currentToken() == JsonToken.VALUE_NUMBER_INT;
        if (!whole || parser.getText().startsWith("-")) {
          throw bad(what + " has " + FileFailures.shown(parser.getText()) + "; expected 0 or more");
        }
        numbers.add(parser.getLongValue());
      }
      return numbers;
    }

    private SafetensorsEntry entry(
        String what, String name, SafetensorsType type, List<Long> shape, long begin, long end) {
      long bytes;
      try {
        bytes = SafetensorsEntry.bytes(type, shape);
      } catch (ArithmeticException e) {
        throw bad(what + " of shape " + shape + " and type " + type + " has no size in bytes");
      }
      if (end < begin || end - begin != bytes) {
        throw bad(
            what
                + " of shape "
                + shape
                + " and type "
                + type
                + " takes "
                + bytes
                + " bytes, but its data_offsets are ["
                + begin
                + ", "
                + end
                + "]");
      }
      return new SafetensorsEntry(name, type, shape, begin, end);
    }

    /** The tensors in the order of their data, which must leave no hole and not overlap. */
    private SequencedMap<String, SafetensorsEntry> placed() {
      List<SafetensorsEntry> sorted = new ArrayList<>(tensors.values());
      sorted.sort(
          Comparator.comparingLong(SafetensorsEntry::begin)
              .thenComparingLong(SafetensorsEntry::end));
      SequencedMap<String, SafetensorsEntry> placed = new LinkedHashMap<>();
      long at = 0;
      for (SafetensorsEntry entry : sorted) {
        if (entry.begin() != at) {
          throw bad(
              "tensor "
                  + FileFailures.shown(entry.name())
                  + " begins at byte "
                  + entry.begin()
                  + " of the data; expected "
                  + at
                  + ", without a hole or an overlap");
        }
        at = entry.end();
        placed.put(entry.name(), entry);
      }
      return placed;
    }

    private void expect(JsonParser parser, JsonToken actual, JsonToken expected, String what)
        throws IOException {
      if (actual != expected) {
        throw bad(what + " is " + FileFailures.shown(parser.getText()) + "; expected " + expected);
      }
    }

    private Failure bad(String what) {
      return Failure.failed(file + " is no valid safetensors file: " + what);
    }
  }
}
