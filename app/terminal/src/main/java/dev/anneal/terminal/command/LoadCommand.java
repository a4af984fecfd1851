package dev.anneal.terminal.command;

import dev.anneal.run.LiveRun;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.terminal.live.Notices;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code load}: a run from disk, paused. */
@Command(
    name = "load",
    description = "Open a run at its newest checkpoint, paused; resume lets it go on.",
    footer = {"", "Example:", "  load run-1"})
final class LoadCommand extends ShellCommand {
  @Parameters(paramLabel = "RUN", description = "a run's directory, or the name of one in runs/")
  private String run;

  @Mixin private PlacementOptions placement;

  LoadCommand(Shell shell) {
    super(shell);
  }

  /** Makes a run on disk the live one, paused. */
  static LiveRun load(Shell shell, String run, LiveRun.Place place) {
    shell.requireNoneGoingOn();
    Path directory = RunCatalog.find(run);
    shell.drop();
    LiveRun opened = LiveRun.open(directory, place, List.of());
    opened.session().addListener(new Notices(shell, opened.history()));
    shell.take(opened);
    opened.look();
    return opened;
  }

  @Override
  public Integer call() {
    LiveRun opened = load(shell(), run, placement.place());
    int step = shell().await(opened.session().atBoundary(r -> r.step()));
    if (asJson()) {
      opened.history().snapshot().started().ifPresent(e -> print(EventJson.write(e)));
    } else {
      boolean done = opened.session().state() == Event.State.DONE;
      say("%s is %s at step %d", opened.name(), done ? "finished" : "paused", step);
    }
    return 0;
  }
}
