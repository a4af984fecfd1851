package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.EventText;
import dev.anneal.terminal.text.Look.Glyphs;
import dev.anneal.terminal.text.Printable;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Panels of lines: samples, events, runs and backends. */
final class TextPanels {
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");

  private TextPanels() {}

  /** A line and how it looks. */
  private record Line(String text, Style style) {}

  static void samples(Region box, Scene scene, View view, boolean focused) {
    List<Line> lines = new ArrayList<>();
    List<History.Sample> samples = scene.run().samples();
    Region inside = box.box(sampleTitle(samples), focused, view.glyphs == Glyphs.ASCII);
    for (History.Sample sample : samples.reversed()) {
      if (!lines.isEmpty()) {
        lines.add(new Line("-- step " + sample.step() + " --", Style.DIM));
      }
      if (!sample.prompt().isEmpty()) {
        lines.add(new Line("> " + sample.prompt(), Style.BOLD));
      }
      String cursor = sample.whole() ? "" : "_";
      wrap(shown(sample.text() + cursor, view), inside.width())
          .forEach(t -> lines.add(new Line(t, Style.PLAIN)));
    }
    if (samples.isEmpty()) {
      lines.add(new Line("i types a prompt for the live weights", Style.DIM));
    }
    draw(inside, lines, focused ? view.scroll : 0);
  }

  /** As it is drawn: in ASCII a control character takes two columns. */
  private static String shown(String text, View view) {
    return view.glyphs == Glyphs.ASCII ? Printable.ascii(text) : Printable.text(text);
  }

  private static String sampleTitle(List<History.Sample> samples) {
    return samples.isEmpty() ? "samples" : "sample, step " + samples.getLast().step();
  }

  /** Lines of at most {@code width} cells, broken at the text's own line ends, too. */
  static List<String> wrap(String text, int width) {
    List<String> lines = new ArrayList<>();
    if (width < 1) {
      return lines;
    }
    for (String line : Printable.text(text).replace("\t", "    ").split("\n", -1)) {
      StringBuilder part = new StringBuilder();
      int used = 0;
      for (String cluster : Cells.clusters(line)) {
        int wide = Math.max(1, Cells.clusterWidth(cluster));
        if (used > 0 && used + wide > width) {
          lines.add(part.toString());
          part.setLength(0);
          used = 0;
        }
        part.append(cluster);
        used += wide;
      }
      lines.add(part.toString());
    }
    return lines;
  }

  static void events(Region box, Scene scene, View view, boolean focused) {
    Region inside =
        box.box(
            view.importantOnly ? "events, important" : "events",
            focused,
            view.glyphs == Glyphs.ASCII);
    List<Line> lines = new ArrayList<>();
    for (History.Note note : scene.run().notes().reversed()) {
      if (view.importantOnly && !isImportant(note.event())) {
        continue;
      }
      String time = CLOCK.format(note.time().atZone(scene.zone()));
      String text = shown(EventText.of(note.event()), view);
      if (inside.height() > 1) {
        String begin = time + " ";
        for (String part : Cells.wrapWords(text, inside.width() - begin.length())) {
          lines.add(new Line(begin + part, style(note.event())));
          begin = " ".repeat(begin.length());
        }
      } else {
        lines.add(new Line(time + " " + text, style(note.event())));
      }
    }
    draw(inside, lines, focused ? view.scroll : 0);
  }

  private static boolean isImportant(Event event) {
    return event instanceof Event.Warning
        || event instanceof Event.Ended
        || event instanceof Event.Saved
        || event instanceof Event.Changed
        || event instanceof Event.Rewound;
  }

  private static Style style(Event event) {
    return switch (event) {
      case Event.Warning w -> Style.WARN;
      case Event.Ended e -> e.error().isPresent() ? Style.BAD : Style.GOOD;
      default -> Style.PLAIN;
    };
  }

  static void runs(Region box, Scene scene, View view, boolean focused) {
    Region inside = box.box("runs", focused, view.glyphs == Glyphs.ASCII);
    List<Line> lines = new ArrayList<>();
    int longest = scene.runs().stream().mapToInt(run -> Cells.width(run.name())).max().orElse(0);
    int names = Math.clamp(longest, 14, Math.max(14, inside.width() - 10));
    for (Scene.RunRow run : scene.runs()) {
      String mark = run.current() ? "> " : view.overlays.contains(run.name()) ? "o " : "  ";
      String step = run.step() < 0 ? "-" : "" + run.step();
      lines.add(
          new Line(
              mark
                  + Cells.pad(inside.fit(run.name(), names), names)
                  + String.format(Locale.ROOT, " %7s", step),
              run.current() ? Style.BOLD : Style.PLAIN));
    }
    if (lines.isEmpty()) {
      lines.add(new Line("none on disk", Style.DIM));
    }
    draw(inside, lines, focused ? view.scroll : 0);
  }

  static void backends(Region box, Scene scene, View view, boolean focused) {
    Region inside = box.box("backends", focused, view.glyphs == Glyphs.ASCII);
    List<Line> lines = new ArrayList<>();
    for (Scene.BackendRow row : scene.backends()) {
      String time =
          row.stepMs()
              .map(ms -> String.format(Locale.ROOT, "%.1f ms %s", ms, row.state()))
              .orElse(row.state());
      String device = inside.width() > 44 ? " " + row.device() : "";
      lines.add(
          new Line(
              String.format(Locale.ROOT, "%-7s %s%s", row.backend(), time, device),
              row.stepMs().isPresent() ? Style.BOLD : Style.PLAIN));
    }
    draw(inside, lines, focused ? view.scroll : 0);
  }

  private static void draw(Region inside, List<Line> lines, int scroll) {
    int from = Math.clamp(scroll, 0, Math.max(0, lines.size() - inside.height()));
    for (int row = 0; row < inside.height() && from + row < lines.size(); row++) {
      Line line = lines.get(from + row);
      inside.put(0, row, inside.fit(line.text(), inside.width()), line.style());
    }
  }

  /** Progress, as the header shows it. */
  static String progress(int step, int steps, int width, Glyphs glyphs) {
    double share = steps == 0 ? 0 : (double) step / steps;
    int full = (int) Math.round(share * width);
    String bar =
        glyphs == Glyphs.ASCII
            ? "#".repeat(full) + "-".repeat(width - full)
            : "█".repeat(full) + "░".repeat(width - full);
    return String.format(Locale.ROOT, "%d/%d [%s] %.0f%%", step, steps, bar, 100 * share);
  }

  static String left(double seconds) {
    return Double.isFinite(seconds) ? "ETA " + Amounts.duration(seconds) : "";
  }
}
