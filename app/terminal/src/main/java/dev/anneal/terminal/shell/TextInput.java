package dev.anneal.terminal.shell;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** What a command is to work on: a file, standard input, or words that were typed. */
public final class TextInput {
  /** Characters of one text, and bytes of a file that is one. */
  private static final int LONGEST = 1 << 30;

  private static final Path STANDARD_INPUT = Path.of("-");

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNumberLength(20)
                  .maxStringLength(LONGEST)
                  .build())
          .build();

  private final Path file;
  private final Optional<InputStream> standardInput;

  /**
   * An input.
   *
   * @param file {@code -} for standard input
   */
  public TextInput(Path file, Optional<InputStream> standardInput) {
    this.file = file;
    this.standardInput = standardInput;
  }

  /** Reads a JSON value at which {@code json} stands; fails with what was expected. */
  @FunctionalInterface
  public interface Value {
    void read(JsonParser json, String where) throws IOException;
  }

  /** Whether its name says that each of its lines is JSON. */
  public boolean isJson() {
    String name = file.toString();
    return name.endsWith(".jsonl") || name.endsWith(".ndjson") || name.endsWith(".json");
  }

  private String name() {
    return file.equals(STANDARD_INPUT) ? "standard input" : FileFailures.shown(file);
  }

  private InputStream open() throws IOException {
    if (file.equals(STANDARD_INPUT)) {
      return standardInput.orElseThrow(
          () ->
              Failure.usage(
                  "commands come from standard input here; give the text, or --input FILE"));
    }
    InputFile.requireFileOrOpenPipe(file);
    return Files.newInputStream(file);
  }

  /** Each of its JSON values, as they come. */
  public void values(Value each) {
    try (InputStream in = open();
        JsonParser json = JSON.createParser(in)) {
      while (json.nextToken() != null) {
        each.read(json, name() + " line " + json.currentTokenLocation().getLineNr());
      }
    } catch (JacksonException e) {
      throw Failure.failed(
          "%s line %d is not JSON: %s"
              .formatted(
                  name(),
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                  FileFailures.shown(String.valueOf(e.getOriginalMessage()))));
    } catch (CharacterCodingException e) {
      throw notUtf8();
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  /** Each of its JSON strings. */
  public void strings(Consumer<String> each) {
    values(
        (json, where) -> {
          if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw Failure.failed(
                where
                    + " is no JSON string; expected one in each line, such as \"a text\"; a file"
                    + " whose name ends otherwise than .jsonl is one text");
          }
          each.accept(json.getText());
        });
  }

  /** All of it as one text. */
  public String text() {
    byte[] bytes;
    if (file.equals(STANDARD_INPUT)) {
      try (InputStream in = open()) {
        bytes = in.readNBytes(LONGEST);
      } catch (IOException e) {
        throw FileFailures.cannotRead(file, e);
      }
    } else {
      bytes = InputFile.whole(file, LONGEST);
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw notUtf8();
    }
  }

  private Failure notUtf8() {
    return Failure.failed(name() + " is not UTF-8 text");
  }
}
