package dev.anneal.terminal.plot;

import dev.anneal.terminal.frame.Palette;
import dev.anneal.terminal.frame.Style;
import java.awt.Color;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;

/** Groups of bars as a picture. */
public final class BarsFile {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 600;
  private static final int LABEL_DEGREES = 45;

  private BarsFile() {}

  /**
   * Writes the picture; see {@link Picture}.
   *
   * @param series a value per label, by name
   */
  public static void write(
      Path file,
      String title,
      String yTitle,
      List<String> labels,
      Map<String, List<Double>> series) {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .yAxisTitle(yTitle)
            .build();
    chart.getStyler().setXAxisLabelRotation(LABEL_DEGREES);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    int i = 1;
    for (Map.Entry<String, List<Double>> bars : series.entrySet()) {
      chart
          .addSeries(bars.getKey(), labels, bars.getValue())
          .setFillColor(new Color(Math.max(0, Palette.ink(Style.series(i++)).color())));
    }
    Picture.write(file, chart);
  }
}
