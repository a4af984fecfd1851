package dev.anneal.terminal.command;

import dev.anneal.device.DeviceOptions;
import dev.anneal.session.EventJson;
import dev.anneal.session.LiveRun;
import dev.anneal.session.RunCatalog;
import dev.anneal.session.Session;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code load}: a run from disk, paused. */
@Command(
    name = "load",
    description = "Open a run at its newest checkpoint, paused; resume lets it go on.",
    footer = {"", "Example:", "  load run-1"})
final class LoadCommand extends ShellCommand {
  @Parameters(paramLabel = "RUN", description = "a run's directory, or the name of one in runs/")
  private String run;

  @Option(
      names = "--backend",
      paramLabel = "BACKEND",
      defaultValue = "cpu",
      description = "${DEFAULT-VALUE} by default")
  private String backend;

  @Option(names = "--threads", paramLabel = "N", description = "all cores by default")
  private Optional<Integer> threads = Optional.empty();

  LoadCommand(Shell shell) {
    super(shell);
  }

  /** Makes a run on disk the live one, paused. */
  static LiveRun load(Shell shell, String run, String backend, DeviceOptions options) {
    shell.requireNoneGoingOn();
    Path directory = RunCatalog.find(run);
    shell.drop();
    LiveRun opened =
        LiveRun.resume(
            directory,
            new LiveRun.Place(backend, 0, options),
            Session.Limits.NONE,
            List.of(new Notices(shell)));
    shell.take(opened);
    opened.session().startPaused();
    return opened;
  }

  @Override
  public Integer call() {
    DeviceOptions options = threads.map(DeviceOptions::threads).orElseGet(DeviceOptions::defaults);
    LiveRun opened = load(shell(), run, backend, options);
    int step = shell().await(opened.session().pause());
    if (asJson()) {
      opened.history().snapshot().started().ifPresent(e -> print(EventJson.write(e)));
    } else {
      say("%s is paused at step %d", opened.name(), step);
    }
    return 0;
  }
}
