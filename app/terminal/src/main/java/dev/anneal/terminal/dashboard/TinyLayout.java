package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.Summary;
import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Amounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A terminal without room for panels: the numbers that matter most, one in a line. */
final class TinyLayout {
  private TinyLayout() {}

  private record Line(String text, Style style) {}

  static void draw(Region all, Scene scene, View view) {
    Summary numbers = scene.run().summary();
    String state = Header.state(scene);
    List<Line> lines = new ArrayList<>();
    lines.add(
        new Line(state + " " + numbers.step() + "/" + numbers.steps(), Header.stateStyle(state)));
    lines.add(new Line(Header.loss(numbers), Style.BOLD));
    Header.validation(numbers).ifPresent(text -> lines.add(new Line(text, Style.PLAIN)));
    numbers
        .secondsLeft()
        .ifPresent(s -> lines.add(new Line(Amounts.duration(s) + " left", Style.PLAIN)));
    lines.add(new Line(scene.name(), Style.TITLE));
    lines.add(new Line(String.format(Locale.ROOT, "%.1f ms", numbers.milliseconds()), Style.DIM));
    boolean bottom =
        view.input != View.Input.NONE
            || !view.notice.isEmpty()
            || Header.waiting(scene, view.glyphs).isPresent();
    int room = all.height() - (bottom && all.height() > 1 ? 1 : 0);
    lines.removeIf(line -> line.text().isEmpty());
    for (int row = 0; row < Math.min(room, lines.size()); row++) {
      Line line = lines.get(row);
      all.put(0, row, all.fit(line.text(), all.width()), line.style());
    }
    if (bottom) {
      Dashboard.bottom(all.part(0, all.height() - 1, all.width(), 1), scene, view);
    } else if (room > lines.size()) {
      String more = "from " + Dashboard.LEAST_WIDTH + "x" + Dashboard.LEAST_HEIGHT + " on: charts";
      all.put(0, room - 1, all.fit(more, all.width()), Style.DIM);
    }
  }
}
