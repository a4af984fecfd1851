package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.Metric;
import dev.anneal.terminal.plot.Chart.Window;
import dev.anneal.terminal.plot.XAxis;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How the user looks at a run: what the keys change. Belongs to the loop's thread. */
final class View {

  /** What can have the focus, in the order of the digits that switch it. */
  enum Panel {
    CHART,
    SPEED,
    BACKENDS,
    SAMPLES,
    EVENTS,
    RUNS
  }

  /** Which curves of a run are drawn. */
  enum Curves {
    BOTH,
    SMOOTHED,
    RAW;

    Curves next() {
      return values()[(ordinal() + 1) % values().length];
    }
  }

  /** What is typed into the line at the bottom. */
  enum Input {
    NONE,
    PROMPT,
    COMMAND,
    METRIC,
    FILE
  }

  private static final double[] SMOOTHING = {
    0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999
  };

  Metric metric = Metric.LOSS;
  boolean logY;
  boolean fitY;
  XAxis xAxis = XAxis.STEP;
  Curves curves = Curves.BOTH;
  Optional<Window> window = Optional.empty();
  boolean follow = true;
  boolean guides;
  boolean crosshair;
  double crosshairAt = 1;
  Glyphs glyphs;
  Panel focus = Panel.CHART;
  boolean full;
  boolean help;
  boolean overlayList;
  boolean importantOnly;
  int selected;
  int scroll;

  /** The first line that the window with help or with a command's result shows. */
  int top;

  Input input = Input.NONE;
  String text = "";
  List<String> message = List.of();

  /** One line at the bottom, until the next key. */
  String notice = "";

  final Set<Panel> hidden = EnumSet.noneOf(Panel.class);
  final Set<String> overlays = new LinkedHashSet<>();
  private int smoothing = 4;

  View(Glyphs glyphs) {
    this.glyphs = glyphs;
  }

  double smoothing() {
    return SMOOTHING[smoothing];
  }

  boolean isSmoothest() {
    return smoothing == SMOOTHING.length - 1;
  }

  void smooth(int by) {
    smoothing = Math.clamp(smoothing + by, 0, SMOOTHING.length - 1);
  }

  boolean shows(Panel panel) {
    return !hidden.contains(panel);
  }

  void toggle(Panel panel) {
    if (!hidden.remove(panel) && panel != Panel.CHART) {
      hidden.add(panel);
      focus = focus == panel ? Panel.CHART : focus;
    }
  }

  void focusNext(int by) {
    Panel[] all = Panel.values();
    do {
      focus = all[Math.floorMod(focus.ordinal() + by, all.length)];
    } while (!shows(focus));
    scroll = 0;
  }

  void nextMetric(int by) {
    Metric[] all = Metric.values();
    metric = all[Math.floorMod(metric.ordinal() + by, all.length)];
  }

  /**
   * The part of {@code all} that is in view: with {@link #follow}, its width ends at the latest.
   */
  Optional<Window> windowIn(Window all) {
    return window.map(
        w -> follow ? new Window(Math.max(all.from(), all.to() - w.width()), all.to()) : w);
  }

  /** Makes the window {@code factor} times as wide, around its middle or, following, its end. */
  void zoom(double factor, Window all) {
    Window now = windowIn(all).orElse(all);
    double width = Math.max(now.width() * factor, all.width() / 100_000);
    if (width >= all.width()) {
      window = Optional.empty();
      follow = true;
      return;
    }
    double to = follow ? all.to() : now.from() + now.width() / 2 + width / 2;
    window = Optional.of(inside(new Window(to - width, to), all));
  }

  /** Moves the window by a share of its width. */
  void pan(double share, Window all) {
    Window now = windowIn(all).orElse(all);
    double by = share * now.width();
    window = Optional.of(inside(new Window(now.from() + by, now.to() + by), all));
    follow = window.get().to() >= all.to();
  }

  private static Window inside(Window w, Window all) {
    if (w.to() > all.to()) {
      return new Window(Math.max(all.from(), all.to() - w.width()), all.to());
    }
    if (w.from() < all.from()) {
      return new Window(all.from(), Math.min(all.to(), all.from() + w.width()));
    }
    return w;
  }
}
