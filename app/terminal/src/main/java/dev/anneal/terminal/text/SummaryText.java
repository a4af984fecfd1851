package dev.anneal.terminal.text;

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

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
