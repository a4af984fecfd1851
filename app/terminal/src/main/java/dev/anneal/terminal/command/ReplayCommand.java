package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.run.log.History;
import dev.anneal.run.log.RecordReader;
import dev.anneal.run.log.RecordReader.Entry;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.live.LiveControls;
import dev.anneal.terminal.live.Progress;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Dashes;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code replay}: a record or a log, as it happened. */
@Command(
    name = "replay",
    description = "Play a record or a run's log.jsonl, as text or on the dashboard.",
    footer = {
      "",
      "Examples:",
      "  replay session.jsonl --speed 10",
      "  replay runs/run-1/log.jsonl"
    })
final class ReplayCommand extends ShellCommand {
  @Parameters(paramLabel = "FILE", description = "record, or log.jsonl of a run")
  private Path file;

  @Option(
      names = "--speed",
      paramLabel = "X",
      defaultValue = "1",
      description = "times as fast, 0 for all at once; ${DEFAULT-VALUE} by default")
  private double speed;

  @Option(names = "--dashboard", description = "on the whole screen")
  private boolean dashboard;

  ReplayCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (!(speed >= 0)) {
      throw Failure.usage("--speed is " + speed + "; expected 0 or more");
    }
    if (dashboard && asJson()) {
      throw Failure.usage("--json and --dashboard: the screen is no place for JSON; give one");
    }
    if (dashboard && !shell().screens().available()) {
      throw Failure.usage("--dashboard needs a terminal; leave it out for lines of text");
    }
    try (RecordReader reader = RecordReader.open(file)) {
      Optional<Entry> first = reader.next();
      if (dashboard) {
        onDashboard(first, reader);
        return 0;
      }
      History history = new History();
      Event.Listener listener = listener(history);
      play(
          first,
          reader,
          entry -> {
            history.on(entry.event(), entry.time());
            listener.on(entry.event());
          },
          shell()::isCancelled);
    }
    return 0;
  }

  private void onDashboard(Optional<Entry> first, RecordReader reader) {
    History history = new History();
    AtomicBoolean left = new AtomicBoolean();
    Thread player =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    play(first, reader, e -> history.on(e.event(), e.time()), left::get);
                  } catch (Failure e) {
                    history.on(new Event.Warning(Dashes.in(e)));
                  }
                });
    shell()
        .showScreen(
            new DashboardLoop(
                LiveControls.of(
                    shell(),
                    history,
                    file.getFileName().toString(),
                    "this is a replay: there is no run to steer"),
                shell().look().glyphs()));
    left.set(true);
    player.interrupt();
  }

  private Event.Listener listener(History history) {
    return asJson()
        ? event -> print(EventJson.write(event))
        : new Progress(history, out(), err(), false);
  }

  private interface Player {
    void play(Entry entry);
  }

  private void play(
      Optional<Entry> first, RecordReader reader, Player player, BooleanSupplier ended) {
    Optional<Entry> next = first;
    Instant before = next.map(Entry::time).orElse(Instant.EPOCH);
    while (next.isPresent()) {
      Entry entry = next.get();
      long millis = entry.time().toEpochMilli() - before.toEpochMilli();
      before = entry.time();
      if (speed > 0 && millis > 0) {
        shell().sleep(millis / speed / 1000);
      }
      if (ended.getAsBoolean()) {
        return;
      }
      player.play(entry);
      next = reader.next();
    }
  }
}
