package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.anneal.session.Event;
import dev.anneal.session.History;
import dev.anneal.session.Metric;
import dev.anneal.session.RunCatalog;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runs}: what is on disk. */
@Command(
    name = "runs",
    description = "List the runs in a directory.",
    footer = {"", "Example:", "  anneal runs"})
final class RunsCommand extends ShellCommand {
  @Parameters(
      arity = "0..1",
      paramLabel = "DIR",
      defaultValue = "runs",
      description = "${DEFAULT-VALUE} by default")
  private Path home;

  RunsCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    List<RunCatalog.Entry> runs = RunCatalog.list(home);
    for (RunCatalog.Entry run : runs) {
      History.Snapshot now = History.read(run.path()).snapshot();
      String model = now.started().map(Event.Started::model).orElse("");
      double validation = now.series(Metric.VAL_LOSS).last();
      if (asJson()) {
        var node = JsonNodeFactory.instance.objectNode();
        node.put("event", "run").put("name", run.name()).put("path", run.path().toString());
        node.put("step", now.step()).put("saved", run.step()).put("model", model);
        if (Double.isFinite(validation)) {
          node.put("val_loss", validation);
        }
        print(node);
      } else {
        say(
            "%-16s step %-7d saved %-7s val_loss %-8s %s",
            run.name(),
            now.step(),
            run.step() < 0 ? "-" : "" + run.step(),
            Double.isFinite(validation) ? String.format(Locale.ROOT, "%.4f", validation) : "-",
            model);
      }
    }
    if (runs.isEmpty() && !asJson()) {
      say("no runs in %s", home);
    }
    return 0;
  }
}
