package dev.anneal.terminal.plot;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;

/** A chart as the bytes of a file. */
public final class Picture {
  private Picture() {}

  /** Pictures, by the end of the file's name. */
  public enum Format {
    SVG(WrittenContent.SVG),
    PNG(WrittenContent.PNG);

    private final WrittenContent content;

    Format(WrittenContent content) {
      this.content = content;
    }

    public WrittenContent content() {
      return content;
    }

    /**
     * The format of {@code file}; a stream gets SVG.
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
      if (OutputFile.isStream(file)) {
        return SVG;
      }
      throw Failure.usage(file + " is neither .svg nor .png; name the picture so");
    }
  }

  /**
   * Draws a picture.
   *
   * @throws Failure when this machine cannot
   */
  static byte[] draw(Format format, int width, int height, Consumer<Canvas> content) {
    return switch (format) {
      case SVG -> {
        SvgCanvas canvas = new SvgCanvas(width, height);
        content.accept(canvas);
        yield canvas.document().getBytes(UTF_8);
      }
      case PNG -> png(width, height, content);
    };
  }

  private static byte[] png(int width, int height, Consumer<Canvas> content) {
    System.setProperty("java.awt.headless", "true");
    try {
      PngCanvas canvas = new PngCanvas(width, height);
      content.accept(canvas);
      return canvas.bytes();
    } catch (Error e) {
      throw new Failure(
          ExitCode.FAILED,
          "this machine has no fonts for Java to draw with ("
              + e
              + "); install fontconfig and a font, such as fonts-dejavu-core, or write .svg",
          e);
    }
  }
}
