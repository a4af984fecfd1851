package dev.anneal.terminal.repl;

import dev.anneal.run.LiveRun;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.terminal.shell.Shell;
import java.util.Locale;

/** The prompt: the run, its state, its step and its loss. */
public final class PromptText {
  /** Without a run. */
  public static final String EMPTY = "anneal> ";

  private PromptText() {}

  static String of(Shell shell) {
    return shell.live().map(PromptText::of).orElse(EMPTY);
  }

  private static String of(LiveRun run) {
    History.Snapshot now = run.history().snapshot();
    if (now.started().isEmpty()) {
      return run.name() + " starts> ";
    }
    int steps = now.started().map(Event.Started::steps).orElse(0);
    String state = now.state().map(s -> s == Event.State.RUNNING ? "RUN" : s.name()).orElse("");
    String loss =
        now.summary().averaged() == 0
            ? ""
            : String.format(Locale.ROOT, " %.2f", now.summary().loss());
    return run.name() + " " + state + " " + now.step() + "/" + steps + loss + "> ";
  }
}
