package dev.anneal.terminal.shell;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The lines of a script, of which the next may be long in coming: from an open pipe, a FIFO or a
 * terminal. They are read on a thread of their own, since nothing interrupts a read, and a signal
 * must end the wait for them.
 */
public final class ScriptLines implements AutoCloseable {
  private static final long POLL_MILLIS = 20;

  /** Opens what is read from; a FIFO takes as long as its writer. */
  public interface Source {
    BufferedReader open() throws IOException;
  }

  private final SynchronousQueue<CompletableFuture<Optional<String>>> asked =
      new SynchronousQueue<>();
  private final Shell shell;
  private final Thread thread;
  private boolean started;
  private volatile boolean ended;

  public ScriptLines(Shell shell, Source source) {
    this.shell = shell;
    this.thread = Thread.ofPlatform().daemon().name("anneal-script").unstarted(() -> read(source));
  }

  private void read(Source source) {
    CompletableFuture<Optional<String>> next = new CompletableFuture<>();
    try {
      next = asked.take();
      try (BufferedReader reader = source.open()) {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          next.complete(Optional.of(line));
          next = asked.take();
        }
      }
      ended = true;
      next.complete(Optional.empty());
    } catch (IOException | RuntimeException e) {
      ended = true;
      next.completeExceptionally(e);
    } catch (InterruptedException e) {
      ended = true;
    }
  }

  /**
   * The next line; empty at the end, and when a signal or Ctrl-C has ended the script.
   *
   * @throws IOException when it cannot be read
   */
  public Optional<String> next() throws IOException {
    if (!started) {
      started = true;
      thread.start();
    }
    CompletableFuture<Optional<String>> line = new CompletableFuture<>();
    try {
      boolean taken = false;
      while (!taken && !isEnding() && !ended) {
        taken = asked.offer(line, POLL_MILLIS, TimeUnit.MILLISECONDS);
      }
      while (taken && !isEnding()) {
        try {
          return line.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          // It is still to come.
        }
      }
      return Optional.empty();
    } catch (InterruptedException e) {
      shell.cancel();
      return Optional.empty();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cannotRead) {
        throw cannotRead;
      }
      if (e.getCause() instanceof RuntimeException refused) {
        throw refused;
      }
      throw new IllegalStateException(e);
    }
  }

  private boolean isEnding() {
    return shell.isQuitting() || shell.isCancelled();
  }

  /** Closes what is read from, unless a read of it goes on. */
  @Override
  public void close() {
    ended = true;
    thread.interrupt();
  }
}
