package dev.anneal.run.log;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Keeps a run's events in its directory: {@code log.jsonl}, all but the pieces of samples, each
 * with the time in milliseconds since 1970, and {@code main.log} in llm.c's form, which counts a
 * training step from 0.
 *
 * <p>Who only looks at a run leaves its log as it is, and so does a rewind until something follows
 * from it: what happens is held back until then, and goes into the log of a branch if there is one.
 */
public final class RunLog implements Event.Listener, AutoCloseable {
  public static final String EVENTS = "log.jsonl";
  public static final String MAIN = "main.log";

  private final BooleanSupplier mayWrite;
  private final Consumer<String> warn;
  private final List<Timed> held = new ArrayList<>();
  private Path directory;
  private Optional<LogFile> events = Optional.empty();
  private Optional<LogFile> main = Optional.empty();
  private boolean isRewound;
  private boolean hasWarned;

  private record Timed(Event event, long millis) {}

  /**
   * @param mayWrite whether the run is this process's to go on with
   * @param warn hears once that the log cannot be written, which does not stop the run
   */
  public RunLog(Path directory, BooleanSupplier mayWrite, Consumer<String> warn) {
    this.directory = directory;
    this.mayWrite = mayWrite;
    this.warn = warn;
    if (mayWrite.getAsBoolean()) {
      open();
    }
  }

  private void open() {
    events = Optional.of(LogFile.append(directory.resolve(EVENTS)));
    main = Optional.of(LogFile.append(directory.resolve(MAIN)));
  }

  /** Goes on in another directory, with a copy of what was said so far; this log ends with that. */
  public synchronized void branch(Path to, int step) {
    boolean wasOpen = events.isPresent();
    close();
    boolean isCopied = false;
    try {
      copy(directory, to);
      isCopied = true;
      if (wasOpen) {
        open();
        write(new Timed(new Event.Branched(step, to), System.currentTimeMillis()));
        close();
      }
    } finally {
      if (!isCopied && wasOpen) {
        open();
      }
    }
    directory = to;
    open();
    release();
  }

  /** Copies what a run has said so far to another one's directory. */
  public static void copy(Path from, Path to) {
    try {
      for (String name : List.of(EVENTS, MAIN)) {
        if (Files.exists(from.resolve(name))) {
          Files.copy(from.resolve(name), to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    } catch (IOException e) {
      throw FileFailures.cannotWrite(to, e);
    }
  }

  @Override
  public synchronized void on(Event event) {
    if (event instanceof Event.SampleText) {
      return;
    }
    Timed now = new Timed(event, System.currentTimeMillis());
    isRewound |= event instanceof Event.Rewound;
    if (!mayWrite.getAsBoolean() || isRewound && !goesOn(event)) {
      hold(now);
      return;
    }
    release();
    write(now);
  }

  private static boolean goesOn(Event event) {
    return event instanceof Event.Step
        || event instanceof Event.Changed
        || event instanceof Event.Saved;
  }

  /** Those who look may sample for hours. */
  private void hold(Timed event) {
    boolean needed =
        switch (event.event()) {
          case Event.Started e -> true;
          case Event.Rewound e -> true;
          case Event.Changed e -> true;
          case Event.Warning e -> true;
          default -> false;
        };
    if (needed) {
      held.add(event);
    }
  }

  private void release() {
    isRewound = false;
    if (events.isEmpty()) {
      try {
        open();
      } catch (Failure e) {
        problem(e.unspelled());
        return;
      }
    }
    held.forEach(this::write);
    held.clear();
  }

  private void write(Timed timed) {
    switch (timed.event()) {
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
    write(events, EventJson.write(timed.event()).put("time", timed.millis()).toString());
  }

  private void write(Optional<LogFile> file, String line) {
    try {
      if (file.isPresent()) {
        file.get().write(line);
      }
    } catch (Failure e) {
      problem(e.unspelled());
    }
  }

  /** Once: a disk that is full stays so for long, and every step has a line. */
  private void problem(String what) {
    if (!hasWarned) {
      hasWarned = true;
      warn.accept(what + "; the run goes on, and its log lacks what cannot be written");
    }
  }

  @Override
  public synchronized void close() {
    events.ifPresent(LogFile::close);
    main.ifPresent(LogFile::close);
    events = Optional.empty();
    main = Optional.empty();
  }
}
