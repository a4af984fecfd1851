package dev.anneal.terminal.plot;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.session.Series;
import dev.anneal.terminal.frame.Palette;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
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

  /** Pictures, by the end of the file's name. */
  public enum Format {
    SVG,
    PNG;

    /**
     * The format of {@code file}.
     *
     * @throws Failure when its name says none
     */
    public static Format of(Path file) {
      String name = file.toString().toLowerCase(Locale.ROOT);
      for (Format format : values()) {
        if (name.endsWith("." + format.name().toLowerCase(Locale.ROOT))) {
          return format;
        }
      }
      throw Failure.usage(file + " is neither .svg nor .png; name the picture so");
    }
  }

  /** Writes the picture beside and renames it. */
  public static void write(Path file, String title, String yTitle, List<Curve> curves, XAxis x) {
    Format format = Format.of(file);
    System.setProperty("java.awt.headless", "true");
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
    Path beside = file.resolveSibling(file.getFileName() + ".tmp");
    try (OutputStream out = Files.newOutputStream(beside)) {
      switch (format) {
        case SVG ->
            VectorGraphicsEncoder.saveVectorGraphic(
                chart, out, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
        case PNG -> BitmapEncoder.saveBitmap(chart, out, BitmapEncoder.BitmapFormat.PNG);
      }
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file, e);
    } catch (Error e) {
      throw new Failure(
          ExitCode.FAILED,
          "this machine has no fonts for Java to draw with ("
              + e
              + "); install fontconfig and a font, such as fonts-dejavu-core",
          e);
    }
    try {
      Files.move(beside, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file, e);
    }
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
