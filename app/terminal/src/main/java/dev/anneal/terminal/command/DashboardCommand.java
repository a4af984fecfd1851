package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.run.log.RunLog;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.terminal.dashboard.Controls;
import dev.anneal.terminal.dashboard.Dashboard;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.live.LiveControls;
import dev.anneal.terminal.live.LogFollower;
import dev.anneal.terminal.report.RunSummary;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.EventText;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.SummaryText;
import dev.anneal.terminal.text.TerminalSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dashboard}: a run on the whole screen. */
@Command(
    name = "dashboard",
    description =
        "Watch the live run on the whole screen, or a run on disk, also one that another process"
            + " trains. ? lists the keys, q comes back. Without a terminal it follows as text.",
    footer = {"", "Examples:", "  dashboard", "  anneal dashboard run-1 --once"})
final class DashboardCommand extends ShellCommand {
  private static final double POLL_SECONDS = 0.2;
  private static final int MOST = 1000;
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,5})[xX]([0-9]{1,5})");

  @Parameters(arity = "0..1", paramLabel = "RUN", description = "the live one by default")
  private Optional<String> run = Optional.empty();

  @Option(names = "--once", description = "print one frame as text")
  private boolean once;

  @Option(
      names = "--size",
      paramLabel = "WxH",
      description = "of the frame that --once prints; the terminal's by default, 80x24 elsewhere")
  private Optional<String> size = Optional.empty();

  @Option(names = "--ascii", description = "no braille, no lines beyond ASCII")
  private boolean ascii;

  DashboardCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (shell().use() == Shell.Use.DASHBOARD) {
      throw Failure.usage("this is the dashboard");
    }
    if (!once) {
      refuse("is of the frame that --once prints; a screen has its terminal's", "--size");
      if (asJson() || !shell().screens().available()) {
        refuse("is for frames; without a terminal, lines of text follow the run", "--ascii");
      }
    }
    if (run.isEmpty()) {
      show(LiveControls.of(shell()), live().history());
      return 0;
    }
    Path directory = RunCatalog.find(run.get());
    if (shell().live().map(l -> l.directory().equals(directory)).orElse(false)) {
      show(LiveControls.of(shell()), live().history());
      return 0;
    }
    try (LogFollower log = LogFollower.open(directory.resolve(RunLog.EVENTS))) {
      String name = directory.toAbsolutePath().normalize().getFileName().toString();
      show(
          LiveControls.of(
              shell(),
              log.history(),
              name,
              name + " can only be looked at here: this process does not train it"),
          log.history());
    }
    return 0;
  }

  private Look.Glyphs glyphs() {
    return ascii ? Look.Glyphs.ASCII : shell().look().glyphs();
  }

  private void show(Controls controls, History history) {
    if (once) {
      printOnce(controls);
    } else if (asJson() || !shell().screens().available()) {
      follow(history);
    } else {
      shell().showScreen(new DashboardLoop(controls, glyphs()));
      shell().rawOut().print(RunSummary.of(history.snapshot(), shell().look()));
      out().flush();
    }
  }

  private void printOnce(Controls controls) {
    TerminalSize room = size.map(DashboardCommand::parse).orElseGet(this::room);
    Frame frame = Dashboard.once(controls.scene(List.of()), room.columns(), room.rows(), glyphs());
    if (asJson()) {
      print(json("frame").put("text", frame.text()));
    } else {
      shell().rawOut().print(frame.ansi(shell().look().colors()));
      out().flush();
    }
  }

  /** All of the terminal but the line where the next prompt will be. */
  private TerminalSize room() {
    TerminalSize all = shell().size().orElse(TerminalSize.USUAL);
    return shell().screens().available()
        ? new TerminalSize(all.columns(), Math.max(1, all.rows() - 1))
        : all;
  }

  private static TerminalSize parse(String size) {
    Matcher parts = SIZE.matcher(size);
    if (parts.matches()) {
      int width = Integer.parseInt(parts.group(1));
      int height = Integer.parseInt(parts.group(2));
      if (width >= 1 && height >= 1 && width <= MOST && height <= MOST) {
        return new TerminalSize(width, height);
      }
    }
    throw Failure.usage(
        "--size is " + size + "; expected columns x rows, such as 120x40, each at most " + MOST);
  }

  /** The same as lines of text, until the run ends. */
  private void follow(History history) {
    Optional<History.Note> told = Optional.empty();
    int step = -1;
    while (!shell().isCancelled()) {
      History.Snapshot now = history.snapshot();
      List<History.Note> notes = now.notes();
      // Old notes are forgotten: where the last one told is tells which are new.
      for (History.Note note :
          notes.subList(told.map(notes::lastIndexOf).orElse(-1) + 1, notes.size())) {
        tell(note.event());
        told = Optional.of(note);
      }
      if (now.step() != step && !now.series(Metric.LOSS).isEmpty()) {
        step = now.step();
        lastStep(now);
      }
      boolean live = now.state().map(s -> s == Event.State.RUNNING).orElse(false);
      if (!live || now.ended().isPresent()) {
        return;
      }
      shell().sleep(POLL_SECONDS);
    }
  }

  private void tell(Event event) {
    if (asJson()) {
      print(EventJson.write(event));
    } else {
      say("%s", EventText.of(event));
    }
  }

  private void lastStep(History.Snapshot now) {
    if (asJson()) {
      ObjectNode node = json("step").put("step", now.step());
      for (Metric metric : Metric.values()) {
        double last = now.series(metric).last();
        if (Double.isFinite(last)) {
          node.put(metric.key(), last);
        }
      }
      print(node);
    } else {
      say("%s", SummaryText.lastStep(now));
    }
  }
}
