package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.session.Event;
import dev.anneal.session.History;
import dev.anneal.session.Recording;
import dev.anneal.terminal.dashboard.DashboardLoop;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
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
    List<Recording.Entry> entries = Recording.read(file);
    if (dashboard && shell().screens().available()) {
      History history = new History();
      AtomicBoolean left = new AtomicBoolean();
      Thread player =
          Thread.ofVirtual()
              .start(() -> play(entries, e -> history.on(e.event(), e.time()), left::get));
      shell()
          .showScreen(
              new DashboardLoop(
                  LiveControls.of(shell(), history, file.getFileName().toString()),
                  shell().look().glyphs()));
      left.set(true);
      player.interrupt();
      return 0;
    }
    History history = new History();
    Event.Listener listener = listener(history);
    play(
        entries,
        entry -> {
          history.on(entry.event(), entry.time());
          listener.on(entry.event());
        },
        shell()::isCancelled);
    return 0;
  }

  private Event.Listener listener(History history) {
    return asJson()
        ? event -> print(dev.anneal.session.EventJson.write(event))
        : new Progress(history, out(), err(), false);
  }

  private interface Player {
    void play(Recording.Entry entry);
  }

  private void play(
      List<Recording.Entry> entries, Player player, java.util.function.BooleanSupplier ended) {
    long before = entries.isEmpty() ? 0 : entries.getFirst().time().toEpochMilli();
    for (Recording.Entry entry : entries) {
      long millis = entry.time().toEpochMilli() - before;
      before = entry.time().toEpochMilli();
      if (speed > 0 && millis > 0) {
        shell().sleep(millis / speed / 1000);
      }
      if (ended.getAsBoolean()) {
        return;
      }
      player.play(entry);
    }
  }
}
