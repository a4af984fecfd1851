package dev.anneal.terminal.live;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.TextLines;
import dev.anneal.run.log.History;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;

/** A run's log, read as another process writes it. */
public final class LogFollower implements AutoCloseable {
  private static final long POLL_MILLIS = 200;

  private final BufferedReader lines;
  private final History history = new History();
  private final StringBuilder part = new StringBuilder();
  private final Thread thread;

  private LogFollower(BufferedReader lines) throws IOException {
    this.lines = lines;
    readWhatIsThere();
    this.thread = Thread.ofVirtual().start(this::follow);
  }

  public static LogFollower open(Path log) {
    try {
      return new LogFollower(TextLines.ofFile(log));
    } catch (IOException e) {
      throw FileFailures.cannotRead(log, e);
    }
  }

  public History history() {
    return history;
  }

  private void readWhatIsThere() throws IOException {
    for (int c = lines.read(); c >= 0; c = lines.read()) {
      if (c == '\n') {
        history.add(part.toString());
        part.setLength(0);
      } else {
        part.append((char) c);
      }
    }
  }

  private void follow() {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        Thread.sleep(POLL_MILLIS);
        readWhatIsThere();
      }
    } catch (InterruptedException | IOException e) {
      // Closed, or the log is gone: what was read stays.
    }
  }

  @Override
  public void close() {
    thread.interrupt();
    try {
      lines.close();
    } catch (IOException e) {
      // Nothing was written to it.
    }
  }
}
