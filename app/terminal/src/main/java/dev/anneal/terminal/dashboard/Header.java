package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Summary;
import dev.anneal.terminal.frame.Frame.Region;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The top line: which run, its state, its losses and how far it is; the most that there is room
 * for.
 */
final class Header {
  private static final int WIDE = 100;

  private Header() {}

  /** RUN, PAUSED and so on: never by colour alone. */
  static String state(Scene scene) {
    History.Snapshot run = scene.run();
    if (run.ended().map(e -> e.outcome() == Event.Outcome.NOT_FINITE).orElse(false)) {
      return "NaN!";
    }
    if (run.state().isEmpty()) {
      return "EMPTY";
    }
    return switch (run.state().get()) {
      case RUNNING -> scene.live() ? "RUN" : "LOG";
      case PAUSED -> "PAUSED";
      case DONE -> "DONE";
      case FAILED -> "FAILED";
    };
  }

  static Style stateStyle(String state) {
    return switch (state) {
      case "RUN" -> Style.GOOD;
      case "PAUSED" -> Style.WARN;
      case "NaN!", "FAILED" -> Style.BAD;
      default -> Style.BOLD;
    };
  }

  /** The run's name and state always; the rest as far as there is room. */
  static void draw(Region line, Scene scene, View view) {
    History.Snapshot run = scene.run();
    Summary numbers = run.summary();
    boolean wide = line.width() >= WIDE;
    String separator = wide ? " | " : "  ";
    int at = line.put(1, 0, line.fit(scene.name(), line.width() / 3), Style.TITLE);
    String state = state(scene);
    at = line.put(at, 0, separator, Style.DIM);
    at = line.put(at, 0, state, stateStyle(state));
    if (scene.recording()) {
      at = line.put(at, 0, " REC", Style.BAD);
    }
    String loss = loss(numbers);
    String both =
        Stream.concat(Stream.of(loss), validation(numbers).stream())
            .filter(text -> !text.isEmpty())
            .collect(Collectors.joining("  "));
    String steps = numbers.step() + "/" + numbers.steps();
    String left = numbers.secondsLeft().map(TextPanels::left).map(l -> separator + l).orElse("");
    String bar =
        TextPanels.progress(
            numbers.step(), numbers.steps(), Math.clamp(line.width() / 6, 5, 30), view.glyphs);
    List<Choice> choices =
        List.of(
            new Choice(both, bar + left),
            new Choice(both, steps + left),
            new Choice(loss, steps + left),
            new Choice(loss, steps),
            new Choice(brief(numbers), steps),
            new Choice("", steps),
            new Choice("", String.valueOf(numbers.step())),
            new Choice("", ""));
    int room = line.width() - at - 1;
    int gap = separator.length();
    Choice chosen =
        choices.stream().filter(c -> c.width(gap) <= room).findFirst().orElse(choices.getLast());
    line.putRight(0, chosen.progress + " ", Style.BOLD);
    if (!chosen.losses.isEmpty()) {
      at = line.put(at, 0, separator, Style.DIM);
      at = line.put(at, 0, chosen.losses, Style.PLAIN);
    }
    if (wide && run.started().isPresent()) {
      String model = run.started().get().model() + separator + run.started().get().backend();
      int rest = line.width() - at - Cells.width(chosen.progress) - 3;
      line.put(at, 0, line.fit(separator + model, rest), Style.DIM);
    }
  }

  /** What stands left and what right. */
  private record Choice(String losses, String progress) {
    int width(int gap) {
      int left = losses.isEmpty() ? 0 : losses.length() + gap;
      return left + (progress.isEmpty() ? 0 : progress.length() + 1);
    }
  }

  /** The mean of the last steps, as everywhere. */
  static String loss(Summary numbers) {
    return numbers.averaged() == 0 ? "" : format("loss %.4f", numbers.loss());
  }

  private static String brief(Summary numbers) {
    return numbers.averaged() == 0 ? "" : format("%.2f", numbers.loss());
  }

  static Optional<String> validation(Summary numbers) {
    return numbers.validation().map(v -> format("val_loss %.4f", v.loss()));
  }

  /** What takes its time, with something that turns meanwhile. */
  static Optional<String> waiting(Scene scene, Glyphs glyphs) {
    return scene
        .waiting()
        .filter(w -> w.seconds() >= PATIENCE)
        .map(
            w -> {
              String turns =
                  switch (glyphs) {
                    case BRAILLE -> "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
                    case BLOCK -> "▖▘▝▗";
                    case ASCII -> "|/-\\";
                  };
              char turn = turns.charAt((int) (w.seconds() * 10) % turns.length());
              String time = w.seconds() < 1 ? "" : " " + Amounts.duration(Math.floor(w.seconds()));
              return turn + " " + w.what() + time;
            });
  }

  /** Seconds that nobody asks about. */
  private static final double PATIENCE = 0.3;

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
