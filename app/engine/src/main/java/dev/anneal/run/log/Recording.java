package dev.anneal.run.log;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.failure.Failure;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.Optional;

/** Every event with its time, a line of JSON each, in a file that can be played again. */
public final class Recording implements Event.Listener, AutoCloseable {

  private final OutputFile file;
  private final Writer writer;
  private Optional<String> problem = Optional.empty();

  /** Begins a record with {@code start}, which says what run it is. */
  public Recording(OutputFile file, Optional<Event.Started> start) {
    this.file = file;
    this.writer = new BufferedWriter(new OutputStreamWriter(file.open(), UTF_8));
    start.ifPresent(this::on);
  }

  public Path file() {
    return file.path();
  }

  /** A disk that is full ends the record, not the run. */
  @Override
  public synchronized void on(Event event) {
    if (problem.isPresent()) {
      return;
    }
    ObjectNode node = EventJson.writeAll(event);
    node.put("time", System.currentTimeMillis());
    try {
      writer.write(node + "\n");
      if (!(event instanceof Event.SampleText)) {
        writer.flush();
      }
    } catch (IOException e) {
      problem = Optional.of(FileFailures.cannotWrite(file(), e).unspelled());
    }
  }

  /**
   * Ends the record.
   *
   * @throws Failure when not all of it could be written
   */
  @Override
  public synchronized void close() {
    try {
      writer.close();
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file(), e);
    }
    if (problem.isPresent()) {
      throw Failure.failed(problem.get());
    }
  }
}
