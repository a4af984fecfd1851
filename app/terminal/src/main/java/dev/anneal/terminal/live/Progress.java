package dev.anneal.terminal.live;

import dev.anneal.eval.Peak;
import dev.anneal.eval.Utilization;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Summary;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.EventText;
import dev.anneal.terminal.text.FittedLine;
import dev.anneal.terminal.text.Printable;
import dev.anneal.terminal.text.SummaryText;
import dev.anneal.terminal.text.TerminalSize;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A run as lines of text: progress on standard error, samples on standard output. On a terminal the
 * step's line is rewritten in place; elsewhere a line appears every few seconds, without any escape
 * code.
 */
public final class Progress implements Event.Listener {
  private static final long QUIET_NANOS = 5_000_000_000L;
  private static final long REDRAW_NANOS = 100_000_000L;

  private final History history;
  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean rewrite;

  /** Looked up once: it is kept in a file, and lines are printed between steps. */
  private Optional<Peak> peak = Optional.empty();

  private int steps;
  private boolean printed;
  private long printedAt;
  private boolean lineOpen;

  /** The lines of a run whose {@code history} hears of each event first. */
  public Progress(History history, PrintWriter out, PrintWriter err, boolean rewrite) {
    this.history = history;
    this.out = out;
    this.err = err;
    this.rewrite = rewrite;
  }

  @Override
  public void on(Event event) {
    switch (event) {
      case Event.Started e -> started(e);
      case Event.Step e -> step(e);
      case Event.Evaluation e -> line(format("step %d  val_loss %.4f", e.step(), e.loss()));
      case Event.SampleStarted e -> line(format("sample at step %d:", e.step()));
      case Event.SampleText e -> {
        out.print(Printable.text(e.text()));
        out.flush();
      }
      case Event.SampleEnded e -> {
        out.println();
        out.flush();
      }
      case Event.Saved e -> line(format("saved %s (%s)", e.checkpoint(), Amounts.bytes(e.bytes())));
      case Event.Branched e -> line(EventText.of(e));
      case Event.Rewound e -> line(format("rewound from step %d to %d", e.from(), e.step()));
      case Event.Changed e -> line(format("%s: %s -> %s", e.setting(), e.from(), e.to()));
      case Event.StateChanged e ->
          line(format("%s at step %d", e.state().name().toLowerCase(Locale.ROOT), e.step()));
      case Event.Warning e -> line("warning: " + e.text());
      case Event.Reading e -> {}
      case Event.Ended e -> ended(e);
    }
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }

  /** Also what {@code status} says. */
  public static final String NOT_DETERMINISTIC =
      "not deterministic: the same run would have other bits (--deterministic off)";

  private void started(Event.Started e) {
    peak = e.peak();
    steps = e.steps();
    line(format("%s: %,d parameters", e.model(), e.parameters()));
    line(e.data());
    line(
        format(
            "%s, %s; %d tokens per step, %s of memory",
            e.backend(),
            e.device(),
            e.tokensPerStep(),
            Amounts.bytes(e.bytes().values().stream().mapToLong(Long::longValue).sum())));
    if (!e.deterministic()) {
      line(NOT_DETERMINISTIC);
    }
    e.directory().ifPresent(directory -> line("run directory: " + directory));
  }

  private void step(Event.Step e) {
    long now = System.nanoTime();
    boolean due =
        !printed || e.step() == steps || now - printedAt >= (rewrite ? REDRAW_NANOS : QUIET_NANOS);
    if (!due) {
      return;
    }
    printed = true;
    printedAt = now;
    Summary numbers = history.snapshot().summary();
    if (rewrite) {
      // One column stays free: in some terminals the cursor would be on the next line already.
      List<String> parts = new ArrayList<>(SummaryText.progress(numbers));
      utilization().ifPresent(parts::add);
      err.print("\r\033[K" + FittedLine.of(parts, columns() - 1));
      err.flush();
      lineOpen = true;
    } else {
      line(
          format(
              "step=%d/%d loss=%.4f norm=%.2f ms=%.1f tokens_per_s=%.0f mean_of=%d val_loss=%s"
                  + " lr=%.3g left=%s",
              numbers.step(),
              numbers.steps(),
              numbers.loss(),
              numbers.gradientNorm(),
              numbers.milliseconds(),
              numbers.tokensPerSecond(),
              numbers.averaged(),
              numbers.validation().map(v -> format("%.4f", v.loss())).orElse("-"),
              numbers.learningRate(),
              numbers.secondsLeft().map(Amounts::duration).orElse("-")));
    }
  }

  /** Of the terminal as it is now: a line that is longer would scroll at every step. */
  private static int columns() {
    return TerminalSize.of(2, System.getenv()).orElse(TerminalSize.USUAL).columns();
  }

  private void ended(Event.Ended e) {
    if (e.error().isPresent()) {
      closeLine();
      return;
    }
    line(SummaryText.ofEnd(e, history.snapshot().summary()));
    utilization().ifPresent(this::line);
  }

  private void line(String text) {
    closeLine();
    err.println(Printable.text(text));
    err.flush();
  }

  private void closeLine() {
    if (lineOpen) {
      err.println();
      err.flush();
      lineOpen = false;
    }
  }

  private Optional<String> utilization() {
    return peak.flatMap(history.snapshot()::utilization).map(Utilization::text);
  }
}
