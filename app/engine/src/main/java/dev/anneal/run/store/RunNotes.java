package dev.anneal.run.store;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.DurableFile;
import dev.anneal.checkpoint.FileWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What a user has written to a run: a line of text, and tags in the order in which they came. */
public record RunNotes(String note, List<String> tags) {
  static final String FILE = "notes.json";
  private static final int MOST_BYTES = 1 << 20;
  private static final RunNotes NONE = new RunNotes("", List.of());
  private static final JsonMapper JSON = new JsonMapper();

  public RunNotes {
    tags = tags.stream().distinct().toList();
  }

  /** What is written to a run; nothing where that cannot be read. */
  public static RunNotes read(Path run) {
    Path file = run.resolve(FILE);
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MOST_BYTES) {
        return NONE;
      }
      JsonNode node = JSON.readTree(Files.readAllBytes(file));
      return new RunNotes(
          node.path("note").asText(),
          node.path("tags").valueStream().map(JsonNode::asText).toList());
    } catch (JacksonException e) {
      return NONE;
    } catch (IOException e) {
      return NONE;
    }
  }

  public void write(Path run) {
    ObjectNode node = JSON.createObjectNode().put("note", note);
    tags.forEach(node.putArray("tags")::add);
    DurableFile.write(run.resolve(FILE), FileWriter.of(node.toPrettyString().getBytes(UTF_8)));
  }
}
