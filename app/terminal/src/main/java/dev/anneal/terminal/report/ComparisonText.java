package dev.anneal.terminal.report;

import dev.anneal.eval.Comparison;
import dev.anneal.eval.Comparison.DeviceResult;
import dev.anneal.eval.Spread.Range;
import dev.anneal.reference.Difference;
import dev.anneal.terminal.text.Amounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A comparison for a terminal: as much of each error as fits, and devices below each other where
 * they do not fit beside each other. A time whose repeats lie far apart has a {@code ~}.
 */
public final class ComparisonText {
  private static final String NOISE = "~";
  private static final String NOTE =
      "~ is noise: the middle half of the steps differs by more than a fifth, or a ratio may be 1;"
          + " more --steps or --warmup may help";

  /** What is said of errors, the most first. */
  private enum Detail {
    ALL,
    TWO,
    ONE
  }

  private record Column(String group, String title, Function<Row, String> cell) {}

  /** A kind of op, or a line of the summary. */
  private record Row(String name, Function<DeviceResult, String> value, boolean isKind) {}

  private final Comparison comparison;
  private final int width;

  public ComparisonText(Comparison comparison, int width) {
    this.comparison = comparison;
    this.width = width;
  }

  @Override
  public String toString() {
    List<String> notes = ComparisonTable.notes(comparison);
    StringBuilder text = new StringBuilder();
    wrap(text, notes.getFirst());
    int first = 0;
    while (first < comparison.devices().size()) {
      int end = fitting(first);
      text.append('\n').append(block(first, end));
      first = end;
    }
    text.append('\n');
    notes.subList(1, notes.size()).forEach(note -> wrap(text, note));
    if (text.indexOf(NOISE) >= 0) {
      wrap(text, NOTE);
    }
    return text.toString();
  }

  /** How many devices fit beside each other, one at least. */
  private int fitting(int first) {
    int end = first + 1;
    while (end < comparison.devices().size() && fits(first, end + 1)) {
      end++;
    }
    return end;
  }

  private boolean fits(int first, int end) {
    return widest(table(first, end, Detail.ONE)) <= width;
  }

  private String block(int first, int end) {
    for (Detail detail : Detail.values()) {
      List<String> lines = table(first, end, detail);
      if (widest(lines) <= width || detail == Detail.ONE) {
        return String.join("\n", lines) + "\n";
      }
    }
    throw new AssertionError();
  }

  private static int widest(List<String> lines) {
    return lines.stream().mapToInt(String::length).max().orElse(0);
  }

  private List<String> table(int first, int end, Detail detail) {
    List<Column> columns = new ArrayList<>();
    for (int i = first; i < end; i++) {
      columns(columns, i, detail);
    }
    List<Row> rows = rows();
    List<List<String>> cells = new ArrayList<>();
    cells.add(new ArrayList<>(List.of("")));
    cells.add(new ArrayList<>(List.of("op")));
    rows.forEach(row -> cells.add(new ArrayList<>(List.of(row.name()))));
    for (Column column : columns) {
      cells.get(0).add(column.group());
      cells.get(1).add(column.title());
      for (int r = 0; r < rows.size(); r++) {
        cells.get(r + 2).add(column.cell().apply(rows.get(r)));
      }
    }
    return lines(cells);
  }

  private static List<String> lines(List<List<String>> cells) {
    int columns = cells.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : cells) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : cells) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String pad = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? row.get(i) + pad : "  " + pad + row.get(i));
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  private void columns(List<Column> columns, int index, Detail detail) {
    DeviceResult device = comparison.devices().get(index);
    String label = ComparisonTable.label(comparison, index);
    columns.add(new Column(label, "ms", row -> row.value().apply(device)));
    if (device.errors().isEmpty()) {
      return;
    }
    if (detail == Detail.ALL) {
      columns.add(error(device, "max abs", e -> ComparisonTable.number("%.1e", e.maxAbs())));
    }
    columns.add(error(device, "rel", e -> ComparisonTable.number("%.1e", e.relative())));
    if (detail != Detail.ONE) {
      columns.add(error(device, "ulp", e -> ComparisonTable.number("%.1f", e.ulps())));
    }
  }

  private static Column error(
      DeviceResult device, String title, Function<Difference, String> cell) {
    return new Column(
        "",
        title,
        row ->
            row.isKind()
                ? Optional.ofNullable(device.errors().get(row.name())).map(cell).orElse("-")
                : "");
  }

  private List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (String kind : comparison.kindsByTime()) {
      rows.add(
          new Row(
              kind,
              d ->
                  time(
                      d.kinds().getOrDefault(kind, Double.NaN),
                      Optional.ofNullable(d.spread().kinds().get(kind))),
              true));
    }
    rows.add(new Row("step", d -> time(d.stepMs(), d.spread().step()), false));
    rows.add(
        new Row(
            "  middle half",
            d ->
                d.spread()
                    .step()
                    .map(r -> ComparisonTable.ms(r.low()) + ".." + ComparisonTable.ms(r.high()))
                    .orElse("-"),
            false));
    rows.add(new Row("tokens/s", d -> ComparisonTable.number("%.0f ", d.tokensPerSecond()), false));
    if (ComparisonTable.hasUtilization(comparison)) {
      rows.add(new Row("MFU", d -> ComparisonTable.utilization(d) + " ", false));
    }
    rows.add(new Row("times the first", this::ratio, false));
    rows.add(new Row("memory", d -> Amounts.bytes(d.memoryBytes()), false));
    rows.add(
        new Row(
            "last loss",
            d -> d.losses().isEmpty() ? "-" : ComparisonTable.number("%.6f", d.losses().getLast()),
            false));
    return rows;
  }

  private static String time(double ms, Optional<Range> range) {
    return ComparisonTable.ms(ms) + mark(range.map(r -> r.isWide(ms)).orElse(false));
  }

  private static String mark(boolean noise) {
    return noise ? NOISE : " ";
  }

  private String ratio(DeviceResult device) {
    return ComparisonTable.number("%.2f", comparison.ratio(device))
        + mark(comparison.isRatioNoise(device));
  }

  private void wrap(StringBuilder text, String note) {
    String indent = note.startsWith(" ") ? "  " : "";
    String line = note;
    while (line.length() > width) {
      int at = line.lastIndexOf(' ', width);
      if (at <= indent.length() + 2) {
        break;
      }
      text.append(line, 0, at).append('\n');
      line = indent + "  " + line.substring(at + 1);
    }
    text.append(line).append('\n');
  }
}
