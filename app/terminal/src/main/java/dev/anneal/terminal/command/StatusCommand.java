package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.run.log.Summary;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.run.store.RunOnDisk;
import dev.anneal.terminal.live.Progress;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.SummaryText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code status}: where a run is. */
@Command(
    name = "status",
    description = "Where the live run is, or a run on disk: step, losses, speed, time left.",
    footer = {"", "Examples:", "  status", "  anneal status runs/run-1"})
final class StatusCommand extends ShellCommand {
  @Parameters(arity = "0..1", paramLabel = "RUN", description = "the live one by default")
  private Optional<String> run = Optional.empty();

  StatusCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    Optional<RunOnDisk> onDisk = run.map(name -> RunOnDisk.read(RunCatalog.find(name)));
    History.Snapshot now = onDisk.map(r -> r.history().snapshot()).orElseGet(() -> live(live()));
    // A log alone does not tell whether its run still goes.
    String state =
        onDisk
            .map(RunOnDisk::status)
            .orElseGet(
                () -> now.state().map(s -> s.name().toLowerCase(Locale.ROOT)).orElse("unknown"));
    if (now.started().isEmpty()) {
      throw Failure.failed("the run has no log; train it first");
    }
    if (asJson()) {
      print(json(now, state));
    } else {
      tell(now, state);
    }
    return 0;
  }

  /** A run that was begun just now is waited for until it has said what it is. */
  private History.Snapshot live(LiveRun run) {
    if (run.history().snapshot().started().isEmpty()) {
      shell().await(run.session().atBoundary(r -> r.step()));
    }
    return run.history().snapshot();
  }

  private void tell(History.Snapshot now, String state) {
    Event.Started started = now.started().get();
    sayWrapped(started.run() + "  " + state + "  step " + now.step() + "/" + started.steps(), 2);
    sayWrapped(started.model() + ", " + started.backend() + ", " + started.device(), 2);
    if (!started.deterministic()) {
      sayWrapped(Progress.NOT_DETERMINISTIC, 2);
    }
    Summary summary = now.summary();
    if (summary.averaged() > 0) {
      sayWrapped(SummaryText.means(summary), 2);
      started.peak().flatMap(now::utilization).ifPresent(mfu -> sayWrapped(mfu.text(), 2));
    }
    List<String> rest = new ArrayList<>();
    SummaryText.validation(summary).ifPresent(rest::add);
    left(summary).ifPresent(seconds -> rest.add(Amounts.duration(seconds) + " left"));
    if (!rest.isEmpty()) {
      sayWrapped(String.join("  ", rest), 2);
    }
    now.ended().ifPresent(e -> sayWrapped(SummaryText.ofEnd(e, summary), 2));
  }

  /** Of a run on disk, nobody here knows how fast it goes. */
  private Optional<Double> left(Summary summary) {
    return run.isPresent() ? Optional.empty() : summary.secondsLeft();
  }

  private ObjectNode json(History.Snapshot now, String state) {
    Event.Started started = now.started().get();
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "status").put("run", started.run());
    node.put("state", state);
    node.put("step", now.step()).put("steps", started.steps());
    for (Metric metric : Metric.values()) {
      if (!now.series(metric).isEmpty()) {
        node.put(metric.key(), now.series(metric).last());
      }
    }
    Summary summary = now.summary();
    summary.validation().ifPresent(v -> node.put("val_step", v.step()));
    if (summary.averaged() > 0) {
      node.putObject("mean")
          .put("steps", summary.averaged())
          .put("loss", summary.loss())
          .put("grad_norm", summary.gradientNorm())
          .put("ms", summary.milliseconds())
          .put("tokens_per_s", summary.tokensPerSecond());
      started
          .peak()
          .flatMap(now::utilization)
          .ifPresent(
              mfu ->
                  node.put("mfu", mfu.share())
                      .put("mfu_of", mfu.peak().source().word())
                      .put("peak_flops", mfu.peak().flops()));
    }
    left(summary).ifPresent(seconds -> node.put("left_s", seconds));
    return node;
  }
}
