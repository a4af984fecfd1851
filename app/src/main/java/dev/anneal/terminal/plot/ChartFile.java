package dev.anneal.terminal.plot;

import dev.anneal.session.Series;
import dev.anneal.terminal.frame.Palette;
import java.awt.BasicStroke;
import java.awt.Color;
import java.nio.file.Path;
import java.util.List;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Curves as a picture, from the data and not from the screen's cells. */
public final class ChartFile {
  private static final int WIDTH = 1000;
  private static final int HEIGHT = 600;
  private static final int MOST_POINTS = 20_000;

  private ChartFile() {}

  /** Writes the picture; see {@link Picture}. */
  public static void write(Path file, String title, String yTitle, List<Curve> curves, XAxis x) {
    Picture.Format.of(file);
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(x.key())
            .yAxisTitle(yTitle)
            .build();
    chart.getStyler().setChartBackgroundColor(Color.WHITE).setLegendBorderColor(Color.LIGHT_GRAY);
    for (Curve curve : curves) {
      add(chart, curve, x);
    }
    Picture.write(file, chart);
  }

  private static void add(XYChart chart, Curve curve, XAxis axis) {
    Series s = curve.series();
    if (s.isEmpty()) {
      return;
    }
    // More points than a picture has pixels only make the file large.
    int stride = Math.max(1, s.size() / MOST_POINTS);
    int n = Math.ceilDiv(s.size(), stride);
    double[] xs = new double[n];
    double[] ys = new double[n];
    for (int i = 0; i < n; i++) {
      xs[i] = axis.of(s, i * stride, curve.tokensPerStep());
      double value = s.values()[i * stride];
      ys[i] = Double.isFinite(value) ? value : Double.NaN;
    }
    XYSeries series = chart.addSeries(curve.name(), xs, ys);
    series.setLineColor(new Color(Math.max(0, Palette.ink(curve.style()).color())));
    series.setMarkerColor(series.getLineColor());
    series.setLineStyle(new BasicStroke(curve.points() ? 2f : 1.2f));
    series.setMarker(curve.points() ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
  }
}
