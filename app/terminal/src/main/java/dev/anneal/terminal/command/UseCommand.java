package dev.anneal.terminal.command;

import dev.anneal.run.LiveRun;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.terminal.option.BackendName;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code use}: another backend for a paused run. */
@Command(
    name = "use",
    description =
        "Move the paused run to another backend, with its weights and moments; resume goes on"
            + " there.",
    footer = {"", "Examples:", "  pause; use opencl; resume", "  use opencl:1"})
final class UseCommand extends ShellCommand {
  @Parameters(paramLabel = "BACKEND", description = "its name, or NAME:N for its device N")
  private String backend;

  @Option(names = "--threads", paramLabel = "N", description = "of the CPU; all cores by default")
  private Optional<Integer> threads = Optional.empty();

  UseCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    LiveRun run = live();
    PlacementOptions.requireTheCpus(threads, List.of(BackendName.of(backend)));
    Event.Changed changed =
        shell()
            .await(
                run.use(
                    LiveRun.Place.parse(backend, PlacementOptions.options(threads, List.of()))));
    if (asJson()) {
      print(EventJson.write(changed));
    } else {
      say("%s: %s -> %s at step %d", run.name(), changed.from(), changed.to(), changed.step());
    }
    return 0;
  }
}
