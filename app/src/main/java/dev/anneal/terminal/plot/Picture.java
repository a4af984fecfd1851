package dev.anneal.terminal.plot;

import dev.anneal.checkpoint.DurableFile;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.internal.chartpart.Chart;

/** A chart as a file. */
public final class Picture {
  private Picture() {}

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

  /**
   * Writes the picture whole or not at all.
   *
   * @throws Failure when it cannot be written, or drawn
   */
  static void write(Path file, Chart<?, ?> chart) {
    System.setProperty("java.awt.headless", "true");
    Format format = Format.of(file);
    ByteArrayOutputStream drawn = new ByteArrayOutputStream();
    try {
      switch (format) {
        case SVG ->
            VectorGraphicsEncoder.saveVectorGraphic(
                chart, drawn, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
        case PNG -> BitmapEncoder.saveBitmap(chart, drawn, BitmapEncoder.BitmapFormat.PNG);
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
    DurableFile.write(file, FileWriter.of(drawn.toByteArray()));
  }
}
