package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.anneal.failure.Failure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads records of JSON, each of which is a document: the text of one of its fields. */
record RecordReader(Path file, String field, DocumentSink sink) {
  private static final int FIELDS_NAMED = 8;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .build())
          .build();

  /** A record per line; lines of white space are none. */
  void lines(Reader text) throws IOException {
    BufferedReader lines = new BufferedReader(text);
    long number = 0;
    for (Optional<String> line = next(lines); line.isPresent(); line = next(lines)) {
      number++;
      if (line.get().isBlank()) {
        continue;
      }
      String place = "line " + number;
      try (JsonParser parser = JSON.createParser(line.get())) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
          throw bad(place, "is no JSON object");
        }
        record(parser, place);
        if (parser.nextToken() != null) {
          throw bad(place, "goes on behind its object");
        }
      } catch (JsonProcessingException e) {
        throw malformed(place, e);
      }
    }
  }

  private static Optional<String> next(BufferedReader lines) throws IOException {
    return Optional.ofNullable(lines.readLine());
  }

  /** An array of records, or records one after the other. */
  void array(Reader text) throws IOException {
    try (JsonParser parser = JSON.createParser(text)) {
      boolean inArray = false;
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        String place = "line " + parser.currentTokenLocation().getLineNr();
        switch (token) {
          case START_OBJECT -> record(parser, place);
          case START_ARRAY -> {
            if (inArray) {
              throw bad(place, "has an array where a record is expected");
            }
            inArray = true;
          }
          case END_ARRAY -> inArray = false;
          default ->
              throw bad(
                  place,
                  "has '"
                      + shown(parser)
                      + "' where a record, {\""
                      + field
                      + "\": …}, is expected");
        }
      }
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw malformed(at == null ? "it" : "line " + at.getLineNr(), e);
    }
  }

  private static String shown(JsonParser parser) throws IOException {
    String text = parser.getText();
    return text.length() > 20 ? text.substring(0, 20) + "…" : text;
  }

  /** The parser is at the beginning of an object, and behind it afterwards. */
  private void record(JsonParser parser, String place) throws IOException {
    boolean found = false;
    List<String> others = new ArrayList<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      if (!name.equals(field)) {
        others.add(name);
        parser.skipChildren();
        continue;
      }
      if (value != JsonToken.VALUE_STRING) {
        throw bad(place, "has a " + field + " that is no string");
      }
      found = true;
      text(parser.getText(), place);
    }
    if (!found) {
      String names = String.join(", ", others.subList(0, Math.min(FIELDS_NAMED, others.size())));
      throw bad(
          place,
          "has no field "
              + field
              + (names.isEmpty() ? "" : ", but " + names)
              + "; "
              + setting("text-field")
              + " NAME says which one has the text");
    }
  }

  private void text(String text, String place) {
    if (text.indexOf('\0') >= 0) {
      throw bad(place, "has a NUL in its " + field + ", which is no text");
    }
    if (!text.isEmpty()) {
      sink.begin();
      sink.text(text.indexOf('\r') >= 0 ? text.replace("\r\n", "\n") : text);
    }
  }

  private Failure bad(String place, String what) {
    return Failure.failed(file + ", " + place + ": it " + what);
  }

  private Failure malformed(String place, JsonProcessingException e) {
    String message = String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
    // What follows is of the parser, and not of the file.
    String shown = message.replaceFirst(" ?(\\(start marker at )?\\[Source: .*", "");
    return Failure.failed(file + ", " + place + " is no JSON: " + shown + "; mend or remove it");
  }
}
