package dev.anneal.tokenizer;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** A JSON file that nobody vouches for, read once from its beginning to its end. */
final class JsonFile {
  /** Several times what the largest published tokenizer has. */
  static final int MAXIMUM_BYTES = 96 << 20;

  private static final int MAXIMUM_NODES = 200_000;

  // Names of fields are tokens here: they are neither few nor chosen by a friend.
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(32)
                  .maxNameLength(1 << 16)
                  .maxNumberLength(32)
                  .maxStringLength(1 << 20)
                  .build())
          .build();

  private final Path file;
  private final JsonParser parser;
  private int nodes;

  private JsonFile(Path file, JsonParser parser) {
    this.file = file;
    this.parser = parser;
  }

  /** What is done with each field of an object. */
  @FunctionalInterface
  interface Fields {
    void field(String name) throws IOException;
  }

  /** What is done with each element of an array, from 0. */
  @FunctionalInterface
  interface Elements {
    void element(int index) throws IOException;
  }

  /** Reads a whole file. */
  @FunctionalInterface
  interface Reading {
    void read(JsonFile json) throws IOException;
  }

  /**
   * Reads a file that is one JSON value.
   *
   * @throws Failure naming the file, when it cannot be read, is no JSON, or more than that
   */
  static void read(Path file, Reading reading) {
    byte[] bytes = InputFile.whole(file, MAXIMUM_BYTES);
    try (JsonParser parser = JSON.createParser(bytes)) {
      JsonFile json = new JsonFile(file, parser);
      if (parser.nextToken() == null) {
        throw json.bad("it is empty; expected JSON");
      }
      reading.read(json);
      if (parser.nextToken() != null) {
        throw json.bad("it goes on behind its JSON");
      }
    } catch (JacksonException e) {
      throw notJson(file, e);
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  private static Failure notJson(Path file, JacksonException e) {
    String where =
        Optional.ofNullable(e.getLocation())
            .map(at -> ", line " + at.getLineNr() + " column " + at.getColumnNr())
            .orElse("");
    return Failure.failed(
        FileFailures.shown(file)
            + where
            + ": it is not the JSON it should be: "
            + FileFailures.shown(String.valueOf(e.getOriginalMessage())));
  }

  Failure bad(String what) {
    return Failure.failed(FileFailures.shown(file) + ": " + what);
  }

  /** Reads the fields of the object that is next, each of which {@code each} reads whole. */
  void object(String where, Fields each) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw expected(where, "an object");
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      each.field(name);
    }
  }

  /** As {@link #object}, of few fields, none of which may be there twice. */
  void fields(String where, Fields each) throws IOException {
    Set<String> seen = new HashSet<>();
    object(
        where,
        name -> {
          if (!seen.add(name)) {
            throw bad(where + " has " + shown(name) + " twice");
          }
          each.field(name);
        });
  }

  void array(String where, Elements each) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw expected(where, "an array");
    }
    for (int i = 0; parser.nextToken() != JsonToken.END_ARRAY; i++) {
      each.element(i);
    }
  }

  boolean isText() {
    return parser.currentToken() == JsonToken.VALUE_STRING;
  }

  String text(String where) throws IOException {
    if (!isText()) {
      throw expected(where, "a text");
    }
    return parser.getText();
  }

  boolean truth(String where) throws IOException {
    return switch (parser.currentToken()) {
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> throw expected(where, "true or false");
    };
  }

  /** A whole number from 0 to {@code most}. */
  int whole(String where, int most) throws IOException {
    if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
      String digits = parser.getText();
      if (digits.length() <= 10 && !digits.startsWith("-") && parser.getLongValue() <= most) {
        return parser.getIntValue();
      }
    }
    throw expected(where, "a whole number from 0 to " + most);
  }

  void skip() throws IOException {
    parser.skipChildren();
  }

  /** The value that is next, whatever it is, if it is small. */
  JsonNode tree(String where) throws IOException {
    if (++nodes > MAXIMUM_NODES) {
      throw bad(where + " has more than " + MAXIMUM_NODES + " values");
    }
    JsonNodeFactory make = JsonNodeFactory.instance;
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        ObjectNode node = make.objectNode();
        fields(where, name -> node.set(name, tree(where + "." + name)));
        yield node;
      }
      case START_ARRAY -> {
        ArrayNode node = make.arrayNode();
        array(where, i -> node.add(tree(where + "[" + i + "]")));
        yield node;
      }
      case VALUE_STRING -> make.textNode(parser.getText());
      case VALUE_TRUE -> make.booleanNode(true);
      case VALUE_FALSE -> make.booleanNode(false);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> make.numberNode(parser.getDoubleValue());
      default -> make.nullNode();
    };
  }

  private Failure expected(String where, String what) throws IOException {
    String found =
        switch (parser.currentToken()) {
          case START_OBJECT -> "an object";
          case START_ARRAY -> "an array";
          case VALUE_STRING -> "'" + shown(parser.getText()) + "'";
          default -> shown(parser.getText());
        };
    return bad(where + " is " + found + "; expected " + what);
  }

  static String shown(String text) {
    return FileFailures.shown(text);
  }
}
