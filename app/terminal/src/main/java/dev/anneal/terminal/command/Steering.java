package dev.anneal.terminal.command;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.run.Until;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.SummaryText;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The commands that move a live run; each takes effect between two steps. */
final class Steering {
  private Steering() {}

  private abstract static class Move extends ShellCommand {
    Move(Shell shell) {
      super(shell);
    }

    final void state(Event.State state, int step) {
      if (asJson()) {
        print(EventJson.write(new Event.StateChanged(state, step)));
      } else {
        say("%s at step %d", state.name().toLowerCase(Locale.ROOT), step);
      }
    }
  }

  @Command(
      name = "pause",
      description = "Pause the live run after the step in progress.",
      footer = {"", "Example:", "  pause"})
  static final class Pause extends Move {
    Pause(Shell shell) {
      super(shell);
    }

    @Override
    public Integer call() {
      int step = shell().await(live().session().pause());
      state(live().session().state(), step);
      return 0;
    }
  }

  @Command(
      name = "resume",
      description = "Let the paused, stopped or rewound run go on.",
      footer = {"", "Example:", "  resume"})
  static final class Resume extends Move {
    Resume(Shell shell) {
      super(shell);
    }

    @Override
    public Integer call() {
      int step = shell().await(live().session().resume());
      state(Event.State.RUNNING, step);
      return 0;
    }
  }

  @Command(
      name = "step",
      description = "Make some steps, show the last, and pause.",
      footer = {"", "Examples:", "  step", "  step 10"})
  static final class Step extends Move {
    @Parameters(arity = "0..1", paramLabel = "N", description = "1 by default")
    private Optional<Integer> count = Optional.empty();

    Step(Shell shell) {
      super(shell);
    }

    @Override
    public Integer call() {
      LiveRun run = live();
      CompletableFuture<Integer> done = run.session().step(count.orElse(1));
      int step = shell().await(done);
      History.Snapshot now = run.history().snapshot();
      if (asJson()) {
        print(EventJson.write(new Event.StateChanged(run.session().state(), step)));
      } else {
        say("%s", SummaryText.lastStep(now));
      }
      return now.ended().flatMap(Event.Ended::error).isPresent() ? ExitCode.NUMBERS.code() : 0;
    }
  }

  @Command(
      name = "stop",
      description = "Finish the step in progress, save, and end the run; its weights stay loaded.",
      footer = {"", "Example:", "  stop"})
  static final class Stop extends Move {
    Stop(Shell shell) {
      super(shell);
    }

    @Override
    public Integer call() {
      LiveRun run = live();
      shell().tellsEnd(true);
      Event.Ended ended;
      try {
        run.session().stop();
        ended = shell().await(run.session().end());
      } finally {
        shell().tellsEnd(false);
      }
      if (asJson()) {
        print(EventJson.write(ended));
      } else {
        say("%s", SummaryText.ofEnd(ended, run.history().snapshot().summary()));
      }
      return 0;
    }
  }

  @Command(
      name = "wait",
      description = "Wait for the end of the live run, or until a condition holds.",
      footer = {"", "Examples:", "  wait", "  wait 'step>=50'"})
  static final class Wait extends Move {
    private static final double POLL_SECONDS = 0.02;

    @Parameters(
        arity = "0..1",
        paramLabel = "CONDITION",
        description = "such as 'val_loss<2.0' or 'step>=15'")
    private Optional<String> condition = Optional.empty();

    Wait(Shell shell) {
      super(shell);
    }

    @Override
    public Integer call() {
      Optional<Until> until = condition.map(text -> Until.parse("wait", text));
      LiveRun run = live();
      shell().tellsEnd(true);
      try {
        return await(run, until);
      } finally {
        shell().tellsEnd(false);
      }
    }

    private int await(LiveRun run, Optional<Until> until) {
      CompletableFuture<Event.Ended> end = run.session().end();
      while (!end.isDone() && !until.map(u -> holds(u, run)).orElse(false)) {
        if (shell().isCancelled()) {
          return ExitCode.INTERRUPTED.code();
        }
        if (run.session().state() == Event.State.PAUSED) {
          if (until.isEmpty()) {
            break;
          }
          // Nothing will make the condition true.
          throw Failure.failed(
              run.name()
                  + " is paused at step "
                  + run.history().snapshot().step()
                  + ", and "
                  + condition.get()
                  + " does not hold; resume it, then wait");
        }
        shell().sleep(POLL_SECONDS);
      }
      Optional<Event.Ended> ended = Optional.ofNullable(end.getNow(null));
      if (ended.isEmpty()) {
        state(run.session().state(), run.history().snapshot().step());
        return 0;
      }
      if (asJson()) {
        print(EventJson.write(ended.get()));
      } else {
        say("%s", SummaryText.ofEnd(ended.get(), run.history().snapshot().summary()));
      }
      return TrainCommand.exitCode(ended.get());
    }

    private static boolean holds(Until until, LiveRun run) {
      History.Snapshot now = run.history().snapshot();
      return until.reached(Until.Metric.STEP, now.step())
          || until.reached(Until.Metric.LOSS, now.series(Metric.LOSS).last())
          || until.reached(Until.Metric.VAL_LOSS, now.series(Metric.VAL_LOSS).last());
    }
  }
}
