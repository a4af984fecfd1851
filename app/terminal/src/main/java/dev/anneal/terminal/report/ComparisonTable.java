package dev.anneal.terminal.report;

import dev.anneal.eval.Comparison;
import dev.anneal.eval.Comparison.DeviceResult;
import dev.anneal.eval.Origin;
import dev.anneal.eval.Spread;
import dev.anneal.reference.Difference;
import dev.anneal.terminal.text.Amounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A comparison as rows of cells: time and error of each kind of op on each device. */
final class ComparisonTable {
  private ComparisonTable() {}

  /** Title first; every row has as many cells. */
  static List<List<String>> rows(Comparison c) {
    List<List<String>> rows = new ArrayList<>();
    List<String> title = new ArrayList<>(List.of("op"));
    for (int i = 0; i < c.devices().size(); i++) {
      String name = label(c, i);
      title.addAll(List.of(name + " ms", name + " ms q1", name + " ms q3"));
      if (!c.devices().get(i).errors().isEmpty()) {
        title.addAll(List.of(name + " max abs", name + " rel", name + " ulp"));
      }
    }
    rows.add(title);
    for (String kind : c.kindsByTime()) {
      List<String> row = new ArrayList<>(List.of(kind));
      for (DeviceResult device : c.devices()) {
        row.add(ms(device.kinds().getOrDefault(kind, Double.NaN)));
        quartiles(row, Optional.ofNullable(device.spread().kinds().get(kind)));
        if (!device.errors().isEmpty()) {
          error(row, Optional.ofNullable(device.errors().get(kind)));
        }
      }
      rows.add(row);
    }
    rows.add(summary(c, "step", d -> ms(d.stepMs())));
    rows.add(summary(c, "tokens/s", d -> number("%.0f", d.tokensPerSecond())));
    if (hasUtilization(c)) {
      rows.add(summary(c, "MFU", ComparisonTable::utilization));
    }
    rows.add(
        summary(
            c,
            "times the first",
            d -> number("%.2f", d.stepMs() / c.devices().getFirst().stepMs())));
    rows.add(summary(c, "memory", d -> Amounts.bytes(d.memoryBytes())));
    rows.add(
        summary(
            c,
            "last loss",
            d -> d.losses().isEmpty() ? "-" : number("%.6f", d.losses().getLast())));
    return rows;
  }

  /** Whether the peak of a device is known; without one, nobody asks for the others'. */
  static boolean hasUtilization(Comparison c) {
    return c.devices().stream().anyMatch(device -> device.utilization().isPresent());
  }

  static String utilization(DeviceResult device) {
    return device.utilization().map(mfu -> number("%.0f %%", 100 * mfu.share())).orElse("-");
  }

  /** The backend's name, with a number where two devices have the same. */
  static String label(Comparison c, int index) {
    String name = c.devices().get(index).backend();
    long before =
        c.devices().subList(0, index).stream().filter(d -> d.backend().equals(name)).count();
    return before == 0 ? name : name + "#" + (before + 1);
  }

  private interface Cell {
    String of(DeviceResult device);
  }

  private static List<String> summary(Comparison c, String name, Cell cell) {
    List<String> row = new ArrayList<>(List.of(name));
    for (DeviceResult device : c.devices()) {
      row.add(cell.of(device));
      quartiles(row, name.equals("step") ? device.spread().step() : Optional.empty());
      if (!device.errors().isEmpty()) {
        row.addAll(List.of("", "", ""));
      }
    }
    return row;
  }

  private static void error(List<String> row, Optional<Difference> error) {
    row.add(error.map(e -> number("%.1e", e.maxAbs())).orElse("-"));
    row.add(error.map(e -> number("%.1e", e.relative())).orElse("-"));
    row.add(error.map(e -> number("%.1f", e.ulps())).orElse("-"));
  }

  private static void quartiles(List<String> row, Optional<Spread.Range> range) {
    row.add(range.map(r -> ms(r.low())).orElse(""));
    row.add(range.map(r -> ms(r.high())).orElse(""));
  }

  static String ms(double ms) {
    return number(ms < 10 ? "%.3f" : "%.1f", ms);
  }

  static String number(String format, double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
  }

  /** What the rows do not say: the devices, and what diverged. */
  static List<String> notes(Comparison c) {
    List<String> notes = new ArrayList<>();
    notes.add(
        String.format(
            Locale.ROOT,
            "%s, B=%d, T=%d, %d steps after step %d",
            c.model(),
            c.batch(),
            c.sequence(),
            c.steps().count(),
            c.steps().after()));
    for (int i = 0; i < c.devices().size(); i++) {
      DeviceResult device = c.devices().get(i);
      notes.add(label(c, i) + ": " + device.device() + ", " + device.details());
      origin(device.origin()).ifPresent(notes::add);
      device.utilization().ifPresent(mfu -> notes.add("  " + mfu.text()));
    }
    for (int i = 1; i < c.devices().size(); i++) {
      DeviceResult device = c.devices().get(i);
      String label = label(c, i);
      if (device.errors().isEmpty()) {
        continue;
      }
      notes.add(
          device
              .divergence()
              .map(
                  d ->
                      String.format(
                          Locale.ROOT,
                          "%s DIVERGES first at op %d, %s (%s): %s, tolerance %s",
                          label,
                          d.op(),
                          d.kind(),
                          d.tensor(),
                          d.error(),
                          d.tolerance()))
              .orElse(
                  String.format(
                      Locale.ROOT,
                      "%s: every op within its tolerance; losses within %.1e of the first",
                      label,
                      c.lossDifference(device))));
    }
    return notes;
  }

  /** What is known of where a result is from. */
  private static Optional<String> origin(Origin origin) {
    List<String> parts = new ArrayList<>();
    if (!origin.host().isEmpty()) {
      parts.add("on " + origin.host());
    }
    if (!origin.date().isEmpty()) {
      parts.add(origin.date());
    }
    if (!origin.dtype().isEmpty()) {
      parts.add(origin.dtype());
    }
    if (!origin.version().isEmpty()) {
      parts.add("Anneal " + origin.version());
    }
    return parts.isEmpty() ? Optional.empty() : Optional.of("  " + String.join(", ", parts));
  }
}
