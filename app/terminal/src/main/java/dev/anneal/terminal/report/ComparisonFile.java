package dev.anneal.terminal.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.eval.Comparison;
import dev.anneal.eval.ComparisonJson;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.plot.BarsFile;
import dev.anneal.terminal.plot.Picture;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** A comparison as a file for people, programs or papers. */
public final class ComparisonFile {
  private ComparisonFile() {}

  /** By the end of the file's name; a stream gets the table. */
  public enum Format {
    MD(WrittenContent.COMPARISON_TABLE),
    CSV(WrittenContent.COMPARISON_CSV),
    JSON(WrittenContent.COMPARISON),
    SVG(WrittenContent.SVG),
    PNG(WrittenContent.PNG);

    private final WrittenContent content;

    Format(WrittenContent content) {
      this.content = content;
    }

    public WrittenContent content() {
      return content;
    }

    public static Format of(Path file) {
      String name = file.toString().toLowerCase(Locale.ROOT);
      return Arrays.stream(values())
          .filter(format -> name.endsWith("." + format.name().toLowerCase(Locale.ROOT)))
          .findFirst()
          .or(() -> OutputFile.isStream(file) ? Optional.of(MD) : Optional.empty())
          .orElseThrow(
              () ->
                  Failure.usage(
                      file + " is none of .md, .csv, .json, .svg and .png; name the file so"));
    }
  }

  public static void write(OutputFile file, Format format, Comparison comparison) {
    byte[] bytes =
        switch (format) {
          case MD -> markdown(comparison).getBytes(UTF_8);
          case CSV -> csv(comparison).getBytes(UTF_8);
          case JSON -> (ComparisonJson.write(comparison).toPrettyString() + "\n").getBytes(UTF_8);
          case SVG -> picture(Picture.Format.SVG, comparison);
          case PNG -> picture(Picture.Format.PNG, comparison);
        };
    file.write(FileWriter.of(bytes));
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

  private static byte[] picture(Picture.Format format, Comparison comparison) {
    List<String> kinds = comparison.kindsByTime();
    Map<String, List<Double>> series = new LinkedHashMap<>();
    for (Comparison.DeviceResult device : comparison.devices()) {
      String name = device.backend() + ", " + device.device();
      while (series.containsKey(name)) {
        name += " ";
      }
      series.put(name, kinds.stream().map(kind -> device.kinds().getOrDefault(kind, 0.0)).toList());
    }
    return BarsFile.draw(format, comparison.model(), "ms per step", kinds, series);
  }
}
