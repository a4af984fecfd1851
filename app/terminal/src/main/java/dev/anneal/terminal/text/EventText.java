package dev.anneal.terminal.text;

import dev.anneal.run.log.Event;
import java.util.Locale;

/** Events as a line each. */
public final class EventText {
  private EventText() {}

  public static String of(Event event) {
    return switch (event) {
      case Event.Started e -> format("%s: %s on %s", e.run(), e.model(), e.backend());
      case Event.Step e -> format("step %d loss %.4f", e.step(), e.loss());
      case Event.Evaluation e -> format("step %d val_loss %.4f", e.step(), e.loss());
      case Event.SampleStarted e -> format("sample at step %d", e.step());
      case Event.SampleText e -> e.text();
      case Event.SampleEnded e -> format("sample done, %d tokens", e.tokens());
      case Event.Saved e ->
          format(
              "saved %s (%s, %.1f s)",
              e.checkpoint().getFileName(), Amounts.bytes(e.bytes()), e.milliseconds() / 1000);
      case Event.Changed e ->
          format("step %d %s: %s -> %s", e.step(), e.setting(), e.from(), e.to());
      case Event.Rewound e -> format("rewound from step %d to %d", e.from(), e.step());
      case Event.Branched e -> format("step %d goes on as %s", e.step(), e.to());
      case Event.StateChanged e ->
          format("%s at step %d", e.state().name().toLowerCase(Locale.ROOT), e.step());
      case Event.Warning e -> "warning: " + e.text();
      case Event.Reading e ->
          format(
              "reading %s, once: %d%% of %s",
              e.data(), 100 * e.bytes() / Math.max(1, e.of()), Amounts.bytes(e.of()));
      case Event.Ended e ->
          e.error()
              .orElseGet(
                  () ->
                      format(
                          "%s at step %d", e.outcome().name().toLowerCase(Locale.ROOT), e.step()));
    };
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
