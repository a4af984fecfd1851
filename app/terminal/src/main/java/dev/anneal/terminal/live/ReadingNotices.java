package dev.anneal.terminal.live;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.EventText;
import dev.anneal.terminal.text.Printable;
import java.util.function.Consumer;

/**
 * Tells whoever waits for a run to begin how far its text has been read, and ends that when he
 * cancels.
 */
public final class ReadingNotices implements Event.Listener {
  private static final long NANOS = 5_000_000_000L;

  private final Shell shell;
  private final Consumer<Event.Reading> json;
  private long told = System.nanoTime() - NANOS;

  /**
   * @param json takes all of them, in place of a line now and then, where JSON was asked for
   */
  public ReadingNotices(Shell shell, boolean asJson, Consumer<Event.Reading> json) {
    this.shell = shell;
    this.json = asJson ? json : this::line;
  }

  @Override
  public void on(Event event) {
    if (event instanceof Event.Reading reading) {
      if (shell.isCancelled()) {
        throw new Failure(ExitCode.INTERRUPTED, "cancelled while reading " + reading.data());
      }
      json.accept(reading);
    }
  }

  private void line(Event.Reading reading) {
    if (System.nanoTime() - told >= NANOS) {
      told = System.nanoTime();
      shell.notice(Printable.line(EventText.of(reading)));
    }
  }
}
