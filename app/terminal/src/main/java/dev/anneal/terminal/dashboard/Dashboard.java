package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.Metric;
import dev.anneal.terminal.dashboard.View.Panel;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A frame from a scene and a view, and from nothing else. */
public final class Dashboard {
  static final int LEAST_WIDTH = 40;
  static final int LEAST_HEIGHT = 10;
  private static final int FULL_WIDTH = 100;
  private static final int FULL_HEIGHT = 30;
  private static final int WIDE = 160;

  /** Columns and rows from which a small layout has these panels, too. */
  private static final int SPEED_WIDTH = 60;

  private static final int EVENTS_HEIGHT = 14;
  private static final int SAMPLES_HEIGHT = 18;

  private Dashboard() {}

  /** One frame as it first looks. */
  public static Frame once(Scene scene, int width, int height, Glyphs glyphs) {
    return draw(scene, new View(glyphs), width, height);
  }

  static Frame draw(Scene scene, View view, int width, int height) {
    Frame frame = new Frame(Math.max(1, width), Math.max(1, height), view.glyphs == Glyphs.ASCII);
    Region all = frame.region();
    if (width < LEAST_WIDTH || height < LEAST_HEIGHT) {
      TinyLayout.draw(all, scene, view);
      overlays(all, scene, view);
      return frame;
    }
    Header.draw(all.part(0, 0, width, 1), scene, view);
    Region body = all.part(0, 1, width, height - 2);
    if (view.full) {
      panel(body, view.focus, scene, view, view.metric);
    } else if (width < FULL_WIDTH || height < FULL_HEIGHT) {
      compact(body, scene, view);
    } else {
      full(body, scene, view);
    }
    bottom(all.part(0, height - 1, width, 1), scene, view);
    overlays(all.part(0, 1, width, height - 2), scene, view);
    return frame;
  }

  private static void panel(Region box, Panel panel, Scene scene, View view, Metric metric) {
    boolean focused = view.focus == panel;
    switch (panel) {
      case CHART -> ChartPanel.draw(box, scene, view, metric, focused);
      case SPEED -> SpeedPanel.draw(box, scene, view, focused);
      case BACKENDS -> TextPanels.backends(box, scene, view, focused);
      case SAMPLES -> TextPanels.samples(box, scene, view, focused);
      case EVENTS -> TextPanels.events(box, scene, view, focused);
      case RUNS -> TextPanels.runs(box, scene, view, focused);
    }
  }

  /** Panels that are shown share a strip from left to right, by weight. */
  private static void row(
      Region strip, Scene scene, View view, List<Panel> panels, List<Integer> weights) {
    List<Panel> shown = panels.stream().filter(view::shows).toList();
    int total = 0;
    for (Panel panel : shown) {
      total += weights.get(panels.indexOf(panel));
    }
    int x = 0;
    int used = 0;
    for (Panel panel : shown) {
      used += weights.get(panels.indexOf(panel));
      int to = strip.width() * used / total;
      panel(strip.part(x, 0, to - x, strip.height()), panel, scene, view, view.metric);
      x = to;
    }
  }

  /** Whether the layout of a size has a place for a panel beside others. */
  static boolean hasRoom(Panel panel, int width, int height) {
    int body = height - 2;
    boolean all = width >= FULL_WIDTH && height >= FULL_HEIGHT;
    return switch (panel) {
      case CHART -> true;
      case SPEED -> all || width >= SPEED_WIDTH && height >= LEAST_HEIGHT;
      case EVENTS -> all || body >= EVENTS_HEIGHT;
      case SAMPLES, BACKENDS -> all || body >= SAMPLES_HEIGHT;
      case RUNS -> all;
    };
  }

  private static boolean any(View view, Panel... panels) {
    for (Panel panel : panels) {
      if (view.shows(panel)) {
        return true;
      }
    }
    return false;
  }

  /** 80x24: chart and speed, samples and backends, the latest events. */
  private static void compact(Region body, Scene scene, View view) {
    int events = view.shows(Panel.EVENTS) && body.height() >= EVENTS_HEIGHT ? 3 : 0;
    int samples =
        any(view, Panel.SAMPLES, Panel.BACKENDS) && body.height() >= SAMPLES_HEIGHT
            ? body.height() / 4
            : 0;
    int top = body.height() - events - samples;
    if (body.width() >= SPEED_WIDTH) {
      row(
          body.part(0, 0, body.width(), top),
          scene,
          view,
          List.of(Panel.CHART, Panel.SPEED),
          List.of(70, 30));
    } else {
      panel(body.part(0, 0, body.width(), top), Panel.CHART, scene, view, view.metric);
    }
    if (samples > 0) {
      row(
          body.part(0, top, body.width(), samples),
          scene,
          view,
          List.of(Panel.SAMPLES, Panel.BACKENDS),
          List.of(70, 30));
    }
    if (events > 0) {
      panel(
          body.part(0, top + samples, body.width(), events),
          Panel.EVENTS,
          scene,
          view,
          view.metric);
    }
  }

  /** 120x40 and larger: also backends and runs; a second chart from 160 columns on. */
  private static void full(Region body, Scene scene, View view) {
    int middle = any(view, Panel.BACKENDS, Panel.RUNS) ? 6 : 0;
    int bottom = any(view, Panel.SAMPLES, Panel.EVENTS) ? Math.max(9, body.height() / 4) : 0;
    int top = body.height() - middle - bottom;
    Region upper = body.part(0, 0, body.width(), top);
    int side = view.shows(Panel.SPEED) ? 38 : 0;
    int charts = upper.width() - side;
    if (upper.width() >= WIDE) {
      int left = charts * 3 / 5;
      panel(upper.part(0, 0, left, top), Panel.CHART, scene, view, view.metric);
      Metric second = view.metric == Metric.GRAD_NORM ? Metric.LOSS : Metric.GRAD_NORM;
      ChartPanel.draw(upper.part(left, 0, charts - left, top), scene, view, second, false);
    } else {
      panel(upper.part(0, 0, charts, top), Panel.CHART, scene, view, view.metric);
    }
    if (side > 0) {
      panel(upper.part(charts, 0, side, top), Panel.SPEED, scene, view, view.metric);
    }
    row(
        body.part(0, top, body.width(), middle),
        scene,
        view,
        List.of(Panel.BACKENDS, Panel.RUNS),
        List.of(68, 32));
    row(
        body.part(0, top + middle, body.width(), bottom),
        scene,
        view,
        List.of(Panel.SAMPLES, Panel.EVENTS),
        List.of(60, 40));
  }

  /** What is typed, or what is to be said, or some keys; and on the right what takes its time. */
  static void bottom(Region line, Scene scene, View view) {
    int room = line.width();
    Optional<String> waiting = Header.waiting(scene, view.glyphs);
    if (waiting.isPresent()) {
      String text = line.fit(" " + waiting.get() + " ", line.width() / 2);
      line.putRight(0, text, Style.WARN);
      room -= Cells.width(text);
    }
    Region left = line.part(0, 0, room, 1);
    if (view.input != View.Input.NONE) {
      input(left, view);
    } else if (!view.notice.isEmpty()) {
      left.put(1, 0, left.fit(view.notice, room - 1), Style.WARN);
    } else {
      footer(left);
    }
  }

  private static void footer(Region line) {
    int at = 1;
    for (Action action : Action.hinted()) {
      if (at + action.key().length() + action.hint().length() + 2 > line.width()) {
        break;
      }
      at = line.put(at, 0, action.key(), Style.BOLD);
      at = line.put(at, 0, " " + action.hint() + "  ", Style.DIM);
    }
  }

  private static void input(Region line, View view) {
    String label =
        switch (view.input) {
          case PROMPT -> "prompt> ";
          case COMMAND -> ":";
          case METRIC -> "metric: ";
          case FILE -> "write to (.svg .png .csv .txt): ";
          case NONE -> "";
        };
    int at = line.put(0, 0, label, Style.BOLD);
    int room = Math.max(1, line.width() - at - 1);
    at = line.put(at, 0, Cells.tail(view.text, room), Style.PLAIN);
    line.set(at, 0, ' ', Style.SELECTED);
  }

  private static void overlays(Region body, Scene scene, View view) {
    if (view.help) {
      window(body, "keys", helpLines(body.width() - 4), view);
    } else if (view.overlayList) {
      List<String> lines = new ArrayList<>();
      for (Scene.RunRow run : scene.runs()) {
        if (!run.current()) {
          lines.add((view.overlays.contains(run.name()) ? "[x] " : "[ ] ") + run.name());
        }
      }
      if (lines.isEmpty()) {
        lines.add("no other runs");
      }
      popup(body, "overlay: Enter toggles, Esc closes", lines, view.selected, view);
    } else if (!view.message.isEmpty()) {
      List<String> lines = new ArrayList<>();
      view.message.forEach(line -> lines.addAll(TextPanels.wrap(line, body.width() - 4)));
      window(body, "Esc closes", lines, view);
    }
  }

  /** The key table; what does not fit in a line goes on below its description. */
  private static List<String> helpLines(int width) {
    List<String> lines = new ArrayList<>();
    for (Action action : Action.values()) {
      String key = String.format(Locale.ROOT, "%-4s ", action.key());
      for (String part : Cells.wrapWords(action.description(), width - key.length())) {
        lines.add(key + part);
        key = " ".repeat(key.length());
      }
    }
    return lines;
  }

  /** Lines to read, of which some are above or below when there are many. */
  private static void window(Region body, String title, List<String> lines, View view) {
    int rows = body.height() - 2;
    int from = Math.clamp(view.top, 0, Math.max(0, lines.size() - rows));
    String more =
        lines.size() <= rows
            ? ""
            : ", "
                + (from + 1)
                + "-"
                + (from + rows)
                + " of "
                + lines.size()
                + (view.glyphs == Glyphs.ASCII ? " Up Dn" : " ↑↓");
    popup(body, title + more, lines.subList(from, Math.min(lines.size(), from + rows)), -1, view);
  }

  private static void popup(
      Region body, String title, List<String> lines, int selected, View view) {
    int width = title.length() + 6;
    for (String line : lines) {
      width = Math.max(width, Cells.width(line) + 4);
    }
    width = Math.min(width, body.width());
    int height = Math.min(lines.size() + 2, body.height());
    Region box = body.part((body.width() - width) / 2, (body.height() - height) / 2, width, height);
    box.clear();
    Region inside = box.box(title, true, view.glyphs == Glyphs.ASCII);
    int from = Math.clamp(selected - inside.height() + 1, 0, Math.max(0, lines.size() - 1));
    for (int row = 0; row < inside.height() && from + row < lines.size(); row++) {
      Style style = from + row == selected ? Style.SELECTED : Style.PLAIN;
      inside.put(1, row, inside.fit(lines.get(from + row), inside.width() - 1), style);
    }
  }
}
