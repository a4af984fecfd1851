package dev.anneal.session;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileFailures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;

/**
 * Keeps a run's events in its directory: {@code log.jsonl}, all but the pieces of samples, each
 * with the time in milliseconds since 1970, and {@code main.log} in llm.c's form, which counts a
 * training step from 0.
 */
public final class RunLog implements Event.Listener, AutoCloseable {
  public static final String EVENTS = "log.jsonl";
  private static final String MAIN = "main.log";

  private Path directory;
  private Writer events;
  private Writer main;

  public RunLog(Path directory) {
    this.directory = directory;
    events = append(directory.resolve(EVENTS));
    main = append(directory.resolve(MAIN));
  }

  private static Writer append(Path file) {
    try {
      return Files.newBufferedWriter(
          file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file, e);
    }
  }

  /** Goes on in another directory, with a copy of what was said so far. */
  synchronized void branch(Path to) {
    Path from = directory;
    try {
      close();
      for (String name : List.of(EVENTS, MAIN)) {
        Files.copy(from.resolve(name), to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      }
      directory = to;
    } catch (IOException e) {
      throw FileFailures.cannotWrite(to, e);
    } finally {
      events = append(directory.resolve(EVENTS));
      main = append(directory.resolve(MAIN));
    }
  }

  @Override
  public synchronized void on(Event event) {
    switch (event) {
      case Event.SampleText text -> {
        return;
      }
      case Event.Step s ->
          write(
              main,
              String.format(
                  Locale.ROOT,
                  "s:%d trl:%.4f lr:%.6f norm:%.2f",
                  s.step() - 1,
                  s.loss(),
                  s.learningRate(),
                  s.gradientNorm()));
      case Event.Evaluation e ->
          write(main, String.format(Locale.ROOT, "s:%d tel:%.4f", e.step(), e.loss()));
      default -> {}
    }
    ObjectNode node = EventJson.write(event);
    node.put("time", System.currentTimeMillis());
    write(events, node.toString());
  }

  private static void write(Writer writer, String line) {
    try {
      writer.write(line + "\n");
      writer.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public synchronized void close() {
    try (Writer first = events;
        Writer second = main) {
      first.flush();
      second.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
