package dev.anneal.terminal.live;

import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.Printable;
import dev.anneal.terminal.text.SummaryText;
import java.util.Locale;

/** What a background run tells a person who types: the few events that matter, a line each. */
public final class Notices implements Event.Listener {
  private final Shell shell;
  private final History history;

  /** Notices of a run whose {@code history} hears of each event first. */
  public Notices(Shell shell, History history) {
    this.history = history;
    this.shell = shell;
  }

  @Override
  public void on(Event event) {
    switch (event) {
      case Event.Evaluation e -> say("step %d  val_loss %.4f", e.step(), e.loss());
      case Event.Saved e -> say("saved %s (%s)", e.checkpoint(), Amounts.bytes(e.bytes()));
      case Event.Warning e -> say("warning: %s", e.text());
      case Event.Reading e -> {}
      case Event.Ended e -> {
        if (!shell.tellsEnd()) {
          say("%s", SummaryText.ofEnd(e, history.snapshot().summary()));
        }
      }
      case Event.Started e -> {}
      case Event.Step e -> {}
      case Event.SampleStarted e -> {}
      case Event.SampleText e -> {}
      case Event.SampleEnded e -> {}
      case Event.Changed e -> {}
      case Event.Rewound e -> {}
      case Event.Branched e -> {}
      case Event.StateChanged e -> {}
    }
  }

  private void say(String format, Object... values) {
    shell.notice(Printable.line(String.format(Locale.ROOT, format, values)));
  }
}
