package dev.anneal.run.log;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.TextLines;
import dev.anneal.failure.Failure;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/** The events of a record or a run's log, one after the other, however many there are. */
public final class RecordReader implements AutoCloseable {

  /** An event and when it happened. */
  public record Entry(Instant time, Event event) {}

  private final ObjectMapper json = new ObjectMapper();
  private final Path file;
  private final BufferedReader lines;
  private boolean any;

  private RecordReader(Path file, BufferedReader lines) {
    this.file = file;
    this.lines = lines;
  }

  /**
   * Opens a file, or a pipe.
   *
   * @throws Failure when it cannot be read
   */
  public static RecordReader open(Path file) {
    return new RecordReader(file, TextLines.ofFileOrPipe(file));
  }

  /**
   * The next event; empty at the end.
   *
   * @throws Failure when it cannot be read, or ends without any event
   */
  public Optional<Entry> next() {
    try {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Optional<Entry> entry = entry(line);
        if (entry.isPresent()) {
          any = true;
          return entry;
        }
      }
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
    if (!any) {
      throw Failure.failed(file + " has no event; expected a record, or a run's log.jsonl");
    }
    return Optional.empty();
  }

  private Optional<Entry> entry(String line) {
    try {
      JsonNode node = json.readTree(line);
      Instant time = Instant.ofEpochMilli(node.path("time").asLong());
      return EventJson.read(node).map(event -> new Entry(time, event));
    } catch (JsonProcessingException e) {
      return Optional.empty(); // The last line of a run that was killed may be half written.
    }
  }

  @Override
  public void close() {
    try {
      lines.close();
    } catch (IOException e) {
      // Nothing was written to it.
    }
  }
}
