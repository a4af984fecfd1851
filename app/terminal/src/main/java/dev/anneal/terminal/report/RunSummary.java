package dev.anneal.terminal.report;

import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.plot.Chart;
import dev.anneal.terminal.plot.Curve;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.SummaryText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What stays in the scrollback of a run that was watched: a few lines and a small plot. */
public final class RunSummary {
  private static final int WIDTH = 72;
  private static final int HEIGHT = 10;

  private RunSummary() {}

  public static String of(History.Snapshot run, Look look) {
    if (run.series(Metric.LOSS).isEmpty()) {
      return "";
    }
    int tokens = run.started().map(Event.Started::tokensPerStep).orElse(1);
    Frame frame = new Frame(WIDTH, HEIGHT + 3, look.glyphs() == Look.Glyphs.ASCII);
    Frame.Region region = frame.region();
    region.put(
        0,
        0,
        String.format(
            Locale.ROOT,
            "%s  %s  step %d/%d",
            run.started().map(Event.Started::run).orElse(""),
            run.state().map(s -> s.name().toLowerCase(Locale.ROOT)).orElse(""),
            run.step(),
            run.started().map(Event.Started::steps).orElse(0)),
        Style.BOLD);
    region.put(0, 1, SummaryText.means(run.summary()), Style.PLAIN);
    region.put(0, 2, validation(run), Style.PLAIN);
    Chart.draw(
        region.part(0, 3, WIDTH, HEIGHT),
        List.of(
            new Curve(
                "loss", run.series(Metric.LOSS).smoothed(0.9), Style.SERIES_2, '*', false, tokens),
            new Curve("val", run.series(Metric.VAL_LOSS), Style.SERIES_3, 'o', true, tokens)),
        Chart.Options.plain(look.glyphs()));
    return frame.ansi(look.colors());
  }

  /** The validation, and how long it took to come to it. */
  private static String validation(History.Snapshot run) {
    List<String> parts = new ArrayList<>();
    SummaryText.validation(run.summary()).ifPresent(parts::add);
    run.ended().ifPresent(e -> parts.add(Amounts.duration(e.seconds())));
    return String.join("  ", parts);
  }
}
