package dev.anneal.session;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * Keeps a run's events in its directory: {@code log.jsonl}, all but the pieces of samples, and
 * {@code main.log} in llm.c's form, which counts a training step from 0.
 */
public final class RunLog implements Event.Listener, AutoCloseable {
  private final Writer events;
  private final Writer main;

  public RunLog(Path directory) {
    events = append(directory.resolve("log.jsonl"));
    main = append(directory.resolve("main.log"));
  }

  private static Writer append(Path file) {
    try {
      return Files.newBufferedWriter(
          file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void on(Event event) {
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
    write(events, EventJson.write(event).toString());
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
  public void close() {
    try (Writer first = events;
        Writer second = main) {
      first.flush();
      second.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
