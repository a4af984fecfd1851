package dev.anneal.terminal.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.checkpoint.DurableFile;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.eval.Comparison;
import dev.anneal.eval.ComparisonJson;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.plot.BarsFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A comparison as a file for people, programs or papers. */
final class ComparisonFile {
  private ComparisonFile() {}

  /** By the end of the file's name. */
  enum Format {
    MD,
    CSV,
    JSON,
    SVG,
    PNG;

    static Format of(Path file) {
      String name = file.toString().toLowerCase(Locale.ROOT);
      return Arrays.stream(values())
          .filter(format -> name.endsWith("." + format.name().toLowerCase(Locale.ROOT)))
          .findFirst()
          .orElseThrow(
              () ->
                  Failure.usage(
                      file + " is none of .md, .csv, .json, .svg and .png; name the file so"));
    }
  }

  static void write(Path file, Format format, Comparison comparison) {
    switch (format) {
      case MD -> text(file, markdown(comparison));
      case CSV -> text(file, csv(comparison));
      case JSON -> text(file, ComparisonJson.write(comparison).toPrettyString() + "\n");
      case SVG, PNG -> picture(file, comparison);
    }
  }

  private static String markdown(Comparison comparison) {
    List<List<String>> rows = ComparisonTable.rows(comparison);
    StringBuilder text = new StringBuilder();
    List<String> notes = ComparisonTable.notes(comparison);
    text.append(notes.getFirst()).append("\n\n");
    for (int i = 0; i < rows.size(); i++) {
      text.append("| ").append(String.join(" | ", rows.get(i))).append(" |\n");
      if (i == 0) {
        text.append("|---|").append("---:|".repeat(rows.getFirst().size() - 1)).append('\n');
      }
    }
    text.append('\n');
    notes.subList(1, notes.size()).forEach(note -> text.append("- ").append(note).append('\n'));
    return text.toString();
  }

  private static String csv(Comparison comparison) {
    return ComparisonTable.rows(comparison).stream()
        .map(row -> row.stream().map(ComparisonFile::cell).collect(Collectors.joining(",")))
        .collect(Collectors.joining("\n", "", "\n"));
  }

  private static String cell(String text) {
    boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n');
    return plain ? text : "\"" + text.replace("\"", "\"\"") + "\"";
  }

  private static void picture(Path file, Comparison comparison) {
    List<String> kinds = comparison.kindsByTime();
    Map<String, List<Double>> series = new LinkedHashMap<>();
    for (Comparison.DeviceResult device : comparison.devices()) {
      String name = device.backend() + ", " + device.device();
      while (series.containsKey(name)) {
        name += " ";
      }
      series.put(name, kinds.stream().map(kind -> device.kinds().getOrDefault(kind, 0.0)).toList());
    }
    BarsFile.write(file, comparison.model(), "ms per step", kinds, series);
  }

  private static void text(Path file, String text) {
    DurableFile.write(file, FileWriter.of(text.getBytes(UTF_8)));
  }
}
