package dev.anneal.terminal.report;

import dev.anneal.run.log.Summary;
import dev.anneal.run.store.RunOnDisk;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Printable;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Runs, a line each, in as many columns as the width holds; what matters least goes first. */
public final class RunsTable {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);
  private static final int GAP = 2;
  private static final int LEAST_NAME = 8;

  /** In order; the last to go is the first of {@link #GOES}. */
  private enum Column {
    NAME,
    STATUS,
    STEPS,
    LOSS,
    VAL_LOSS,
    LR,
    DATE,
    SIZE
  }

  /** From the first to go on. */
  private static final List<Column> GOES =
      List.of(Column.SIZE, Column.LR, Column.DATE, Column.LOSS, Column.VAL_LOSS, Column.STATUS);

  private RunsTable() {}

  public static List<String> of(List<RunOnDisk> runs, int width, ZoneId zone) {
    List<Column> columns = new ArrayList<>(List.of(Column.values()));
    List<Column> goes = new ArrayList<>(GOES);
    while (!goes.isEmpty() && least(runs, columns, zone) > width) {
      columns.remove(goes.removeFirst());
    }
    int name = widest(runs, Column.NAME, zone);
    int others = width(runs, columns, zone) - name;
    int nameWidth = Math.clamp(width - others, Math.min(name, 1), name);
    List<String> lines = new ArrayList<>();
    lines.add(
        line(columns, runs, zone, nameWidth, column -> column.name().toLowerCase(Locale.ROOT)));
    for (RunOnDisk run : runs) {
      String line = line(columns, runs, zone, nameWidth, column -> cell(run, column, zone));
      String note = note(run);
      int room = width - others - nameWidth - GAP;
      if (note.isEmpty()) {
        lines.add(line);
      } else if (Cells.width(note) <= room) {
        lines.add(line + " ".repeat(GAP) + note);
      } else {
        lines.add(line);
        lines.add(" ".repeat(GAP) + Cells.cut(note, width - GAP));
      }
    }
    return lines.stream().map(String::stripTrailing).toList();
  }

  private static int least(List<RunOnDisk> runs, List<Column> columns, ZoneId zone) {
    int name = widest(runs, Column.NAME, zone);
    return width(runs, columns, zone) - name + Math.min(name, LEAST_NAME);
  }

  private static int width(List<RunOnDisk> runs, List<Column> columns, ZoneId zone) {
    return columns.stream().mapToInt(column -> widest(runs, column, zone)).sum()
        + GAP * (columns.size() - 1);
  }

  private static int widest(List<RunOnDisk> runs, Column column, ZoneId zone) {
    return runs.stream()
        .mapToInt(run -> Cells.width(cell(run, column, zone)))
        .reduce(column.name().length(), Math::max);
  }

  private interface Content {
    String of(Column column);
  }

  private static String line(
      List<Column> columns, List<RunOnDisk> runs, ZoneId zone, int nameWidth, Content content) {
    List<String> cells = new ArrayList<>();
    for (Column column : columns) {
      int width = column == Column.NAME ? nameWidth : widest(runs, column, zone);
      cells.add(Cells.pad(Cells.cut(content.of(column), width), width));
    }
    return String.join(" ".repeat(GAP), cells);
  }

  private static String cell(RunOnDisk run, Column column, ZoneId zone) {
    Summary now = run.history().snapshot().summary();
    return switch (column) {
      case NAME -> Printable.line(run.name());
      case STATUS -> run.status();
      case STEPS -> now.steps() == 0 ? "-" : now.step() + "/" + now.steps();
      case LOSS -> number("%.4f", now.loss());
      case VAL_LOSS -> number("%.4f", now.validation().map(v -> v.loss()).orElse(Double.NaN));
      case LR -> number("%.3g", now.learningRate());
      case DATE -> DATE.format(run.modified().atZone(zone));
      case SIZE -> Amounts.bytes(run.bytes());
    };
  }

  private static String number(String format, double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "-";
  }

  private static String note(RunOnDisk run) {
    List<String> words = new ArrayList<>();
    run.notes().tags().forEach(tag -> words.add("#" + tag));
    words.add(run.notes().note());
    return Printable.line(String.join(" ", words).strip());
  }
}
