package dev.anneal.terminal.text;

import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.run.log.Summary;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A run's numbers, as lines show them. */
public final class SummaryText {
  private SummaryText() {}

  /**
   * The progress of a run that is watched, in parts of which the last ones can be left out where
   * there is no room.
   */
  public static List<String> progress(Summary now) {
    List<String> parts = new ArrayList<>();
    parts.add(format("step %d/%d", now.step(), now.steps()));
    parts.add(format("loss %.4f", now.loss()));
    now.validation().ifPresent(v -> parts.add(format("val %.4f", v.loss())));
    left(now).ifPresent(parts::add);
    parts.add(format("%.1f ms", now.milliseconds()));
    parts.add(format("%,.0f tok/s", now.tokensPerSecond()));
    parts.add(averaged(now));
    return parts;
  }

  /** Loss and speed, all of one kind, and which. */
  public static String means(Summary now) {
    return format(
        "loss %.4f  %.1f ms per step  %,.0f tokens/s  (%s)",
        now.loss(), now.milliseconds(), now.tokensPerSecond(), averaged(now));
  }

  /** Over how many steps loss and speed are averaged. */
  public static String averaged(Summary now) {
    return now.averaged() == 1 ? "of 1 step" : "mean of " + now.averaged() + " steps";
  }

  /** The last validation, and of which step it is. */
  public static Optional<String> validation(Summary now) {
    return now.validation().map(v -> format("val_loss %.4f at step %d", v.loss(), v.step()));
  }

  /** {@code 2m05s left}. */
  public static Optional<String> left(Summary now) {
    return now.secondsLeft().map(seconds -> Amounts.duration(seconds) + " left");
  }

  /** One line on how a run ended, with the numbers that it had then. */
  public static String ofEnd(Event.Ended e, Summary now) {
    return format(
        "%s after step %d in %s%s%s%s",
        switch (e.outcome()) {
          case COMPLETED -> "done";
          case TARGET -> "target reached";
          case TIME_LIMIT -> "time is up";
          case STOPPED -> "stopped";
          case NOT_FINITE, DEVICE_LOST, FAILED -> "failed";
        },
        e.step(),
        Amounts.duration(e.seconds()),
        now.averaged() == 0 ? "" : format(", loss %.4f (%s)", now.loss(), averaged(now)),
        validation(now).map(text -> ", " + text).orElse(""),
        e.error().map(error -> ": " + error).orElse(""));
  }

  /** One line on the last step. */
  public static String lastStep(History.Snapshot now) {
    return format(
        "step %d  loss %.4f  norm %.2f  lr %.3g  %.1f ms",
        now.step(),
        now.series(Metric.LOSS).last(),
        now.series(Metric.GRAD_NORM).last(),
        now.series(Metric.LR).last(),
        now.series(Metric.MS).last());
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
