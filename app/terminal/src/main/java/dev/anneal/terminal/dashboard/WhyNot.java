package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.Metric;
import dev.anneal.terminal.dashboard.View.Curves;
import dev.anneal.terminal.dashboard.View.Panel;
import dev.anneal.terminal.plot.Chart;
import java.util.Locale;
import java.util.Optional;

/** Why a key that changes how one looks at a run would change nothing now. */
final class WhyNot {
  private static final String ALL_IN_VIEW = "all of x is in view; + zooms in";

  private final Scene scene;
  private final View view;
  private final ScreenPort.Size size;

  WhyNot(Scene scene, View view, ScreenPort.Size size) {
    this.scene = scene;
    this.view = view;
    this.size = size;
  }

  /** The reason; empty when the key does something. */
  Optional<String> of(Action action, Key key) {
    return switch (action) {
      case ZOOM_IN, CROSSHAIR -> noPoints();
      case ZOOM_OUT, FIT -> noPoints().or(() -> when(view.window.isEmpty(), ALL_IN_VIEW));
      case FOLLOW ->
          noPoints()
              .or(() -> when(view.window.isEmpty(), "all of x is in view, the latest step, too"))
              .or(() -> when(view.follow, "the chart follows the latest step already"));
      case LEFT, RIGHT -> noPoints().or(() -> pan(action));
      case UP, DOWN -> scroll(action);
      case LESS_SMOOTH -> smoothing(view.smoothing() == 0, "there is no smoothing already");
      case MORE_SMOOTH -> smoothing(view.isSmoothest(), "there is no more smoothing than this");
      case CURVES -> when(view.metric == Metric.VAL_LOSS, POINTS);
      case SIDE -> oneAlone().or(() -> when(view.hidden.isEmpty(), "all panels are on already"));
      case NO_SIDE ->
          oneAlone()
              .or(
                  () ->
                      when(
                          view.hidden.size() == Panel.values().length - 1,
                          "the side panels are off already"));
      case PANEL -> oneAlone().or(() -> panel(Panel.values()[key.character() - '1']));
      default -> Optional.empty();
    };
  }

  private static final String POINTS = "val_loss is drawn as it was measured, in points";

  private static Optional<String> when(boolean so, String why) {
    return so ? Optional.of(why) : Optional.empty();
  }

  private Optional<String> noPoints() {
    boolean none =
        ChartPanel.curves(scene, view, view.metric).stream().allMatch(c -> c.series().isEmpty());
    return when(none, view.metric.key() + " has no points yet");
  }

  private Optional<String> pan(Action action) {
    if (view.crosshair) {
      double end = action == Action.LEFT ? 0 : 1;
      return when(view.crosshairAt == end, "the crosshair is at the edge; c takes it away");
    }
    if (view.window.isEmpty()) {
      return Optional.of(ALL_IN_VIEW + ", then the arrows pan");
    }
    Chart.Window all = Chart.everything(ChartPanel.curves(scene, view, view.metric), view.xAxis);
    Chart.Window now = view.windowIn(all).orElse(all);
    return action == Action.LEFT
        ? when(now.from() <= all.from(), "nothing lies left of this")
        : when(now.to() >= all.to(), "nothing lies right of this yet");
  }

  private Optional<String> scroll(Action action) {
    boolean text =
        switch (view.focus) {
          case SAMPLES, EVENTS, RUNS, BACKENDS -> true;
          case CHART, SPEED -> false;
        };
    return when(!text, "nothing to scroll here; Tab goes to panels of text")
        .or(() -> when(action == Action.UP && view.scroll == 0, "this is the top"));
  }

  private Optional<String> smoothing(boolean atEnd, String why) {
    return when(view.metric == Metric.VAL_LOSS, POINTS)
        .or(
            () ->
                when(view.curves == Curves.RAW, "only raw values are drawn; e draws smoothed ones"))
        .or(() -> when(atEnd, why));
  }

  private Optional<String> oneAlone() {
    return when(view.full, "one panel has the whole screen; z brings the others back");
  }

  private Optional<String> panel(Panel panel) {
    if (panel == Panel.CHART) {
      return Optional.of("the chart stays; Tab and z show another panel alone");
    }
    String name = panel.name().toLowerCase(Locale.ROOT);
    return when(
        !Dashboard.hasRoom(panel, size.columns(), size.rows()),
        "there is no room for "
            + name
            + " in "
            + size.columns()
            + "x"
            + size.rows()
            + "; Tab and z show it alone");
  }
}
