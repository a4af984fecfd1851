package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.run.log.Series;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.option.OutputOptions;
import dev.anneal.terminal.plot.Chart;
import dev.anneal.terminal.plot.ChartFile;
import dev.anneal.terminal.plot.Curve;
import dev.anneal.terminal.plot.Picture;
import dev.anneal.terminal.plot.XAxis;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.TerminalSize;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code plot}: metrics of runs, here or as a picture. */
@Command(
    name = "plot",
    sortOptions = false,
    description =
        "Draw a metric of the live run, or of runs on disk, in the terminal or as a picture.",
    footer = {
      "",
      "Examples:",
      "  plot",
      "  plot loss.svg --metric loss --metric val_loss",
      "  anneal plot --run run-1 --run run-2 --metric val_loss"
    })
final class PlotCommand extends ShellCommand {
  private static final int LEGEND = 8;
  private static final int LEAST_WIDTH = 20;
  private static final int LEAST_HEIGHT = 5;
  private static final int MOST = 1000;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = ".svg or .png; - is standard output, as SVG")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = "--metric",
      paramLabel = "METRIC",
      description = "loss (with val_loss) by default; several times for several")
  private List<String> metrics = List.of();

  @Option(
      names = "--run",
      paramLabel = "RUN",
      description = "the live one by default; several times for several")
  private List<String> runs = List.of();

  @Option(
      names = "--x",
      defaultValue = "step",
      description = "step, tokens or time; ${DEFAULT-VALUE} by default")
  private XAxis x;

  @Option(names = "--log-y", description = "logarithmic")
  private boolean logY;

  @Option(
      names = "--ema",
      paramLabel = "W",
      defaultValue = "0.9",
      description = "weight of the past in the smoothed curve; ${DEFAULT-VALUE} by default")
  private double weight;

  @Option(
      names = "--width",
      paramLabel = "COLUMNS",
      description = "the terminal's by default, 80 elsewhere")
  private Optional<Integer> givenWidth = Optional.empty();

  @Option(
      names = "--height",
      paramLabel = "ROWS",
      description = "the terminal's by default, less a few, 20 elsewhere")
  private Optional<Integer> givenHeight = Optional.empty();

  @Mixin private OutputOptions output;

  PlotCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (!(weight >= 0 && weight < 1)) {
      throw Failure.usage("--ema is " + weight + "; expected 0 to less than 1");
    }
    requireReadable();
    output.requireFile(file.isPresent());
    Optional<OutputFile> target =
        file.map(f -> output.file(shell(), f, Picture.Format.of(f).content()));
    List<Curve> curves = curves();
    if (curves.stream().allMatch(curve -> curve.series().isEmpty())) {
      throw Failure.failed("there is nothing to plot yet");
    }
    if (file.isPresent() && target.isPresent()) {
      String title = String.join(", ", histories().keySet());
      ChartFile.Labels labels =
          new ChartFile.Labels(title, String.join(", ", metricNames()), x, logY);
      target
          .get()
          .write(FileWriter.of(ChartFile.draw(Picture.Format.of(file.get()), labels, curves)));
      wrote(target.get(), json("wrote").put("file", file.get().toString()), "wrote " + file.get());
    } else if (asJson()) {
      curves.forEach(curve -> print(json(curve)));
    } else {
      draw(curves);
    }
    return 0;
  }

  private void requireReadable() {
    if (file.isPresent() && (givenWidth.isPresent() || givenHeight.isPresent())) {
      throw Failure.usage(
          "--width and --height count columns and rows of a terminal; "
              + file.get()
              + " has a size of its own, leave them out");
    }
    if (file.isEmpty() && asJson()) {
      refuse(
          "is of a drawing, and --json prints numbers; leave it out",
          "--x",
          "--log-y",
          "--width",
          "--height");
    }
    int width = givenWidth.orElse(LEAST_WIDTH);
    int height = givenHeight.orElse(LEAST_HEIGHT);
    if (width < LEAST_WIDTH || height < LEAST_HEIGHT || width > MOST || height > MOST) {
      throw Failure.usage(
          "a plot of "
              + givenWidth.map(w -> w + " columns").orElse(height + " rows")
              + " cannot be read; expected at least 20 columns and 5 rows, at most 1000");
    }
  }

  private static ObjectNode json(Curve curve) {
    ObjectNode node = json("curve").put("name", curve.name());
    ArrayNode steps = node.putArray("steps");
    ArrayNode values = node.putArray("values");
    for (int i = 0; i < curve.series().size(); i++) {
      double value = curve.series().values()[i];
      steps.add(curve.series().steps()[i]);
      if (Double.isFinite(value)) {
        values.add(value);
      } else {
        values.add(String.valueOf(value));
      }
    }
    return node;
  }

  private void draw(List<Curve> curves) {
    TerminalSize room = shell().size().orElse(TerminalSize.USUAL);
    int width = givenWidth.orElse(Math.clamp(room.columns(), LEAST_WIDTH, MOST));
    // The command and the next prompt stay in sight.
    int height = givenHeight.orElse(Math.clamp(room.rows() - 4, LEAST_HEIGHT, MOST));
    Frame frame = new Frame(width, height, shell().look().glyphs() == Look.Glyphs.ASCII);
    Frame.Region region = frame.region();
    int top = legend(region, curves);
    Chart.draw(
        region.part(0, top, width, height - top),
        curves,
        new Chart.Options(
            x,
            logY,
            Optional.empty(),
            true,
            false,
            Optional.empty(),
            curves.stream().filter(curve -> !curve.points()).count() > 1,
            shell().look().glyphs()));
    shell().rawOut().print(frame.ansi(shell().look().colors()));
    out().flush();
  }

  /** The names of the curves, in as many lines as they need; returns how many these are. */
  private static int legend(Frame.Region region, List<Curve> curves) {
    int at = LEGEND;
    int row = 0;
    for (Curve curve : curves) {
      String name = region.fit(curve.name(), region.width() - LEGEND - 2);
      if (at > LEGEND && at + 2 + Cells.width(name) > region.width()) {
        at = LEGEND;
        row++;
      }
      at = region.put(at, row, curve.glyph() + " ", curve.style());
      at = region.put(at, row, name + "  ", Style.DIM);
    }
    return row + 1;
  }

  private List<String> metricNames() {
    return metrics.isEmpty() ? List.of("loss", "val_loss") : metrics;
  }

  private Map<String, History.Snapshot> histories() {
    Map<String, History.Snapshot> histories = new LinkedHashMap<>();
    if (runs.isEmpty()) {
      histories.put(live().name(), live().history().snapshot());
    }
    for (String run : runs) {
      histories.put(run, History.read(RunCatalog.find(run)).snapshot());
    }
    return histories;
  }

  private List<Curve> curves() {
    List<Curve> curves = new ArrayList<>();
    Map<String, History.Snapshot> histories = histories();
    histories.forEach(
        (run, history) -> {
          int tokens = history.started().map(Event.Started::tokensPerStep).orElse(1);
          String prefix = histories.size() > 1 ? run + " " : "";
          for (String name : metricNames()) {
            Metric metric = Metric.of(name);
            Series series = history.series(metric);
            boolean points = metric == Metric.VAL_LOSS;
            if (!points && weight > 0) {
              series = series.smoothed(weight);
            }
            int i = curves.size();
            curves.add(
                new Curve(
                    prefix + name.toLowerCase(Locale.ROOT),
                    series,
                    Style.series(i + 1),
                    points ? 'o' : "*+x#@%".charAt(i % 6),
                    points,
                    tokens));
          }
        });
    return curves;
  }
}
