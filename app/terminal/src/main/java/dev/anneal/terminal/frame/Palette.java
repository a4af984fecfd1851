package dev.anneal.terminal.frame;

/**
 * Colours of styles. Series colours are told apart by people with any common colour blindness
 * (after Okabe and Ito, "Color Universal Design", 2008).
 */
public final class Palette {
  private Palette() {}

  /**
   * How a style looks.
   *
   * @param color red, green and blue as 0xRRGGBB, or -1 for the terminal's own
   */
  public record Ink(int color, boolean bold, boolean reverse) {
    static Ink of(int color) {
      return new Ink(color, false, false);
    }
  }

  public static Ink ink(Style style) {
    return switch (style) {
      case PLAIN -> Ink.of(-1);
      case DIM -> Ink.of(0x8a8a8a);
      case BOLD -> new Ink(-1, true, false);
      case TITLE -> new Ink(0x5fafd7, true, false);
      case BORDER -> Ink.of(0x6c6c6c);
      case HEADER, SELECTED -> new Ink(-1, true, true);
      case GOOD -> Ink.of(0x00af5f);
      case WARN -> new Ink(0xd7af00, true, false);
      case BAD -> new Ink(0xff5f5f, true, false);
      case SERIES_1 -> Ink.of(0x4e7a9e);
      case SERIES_2 -> new Ink(0x56b4e9, true, false);
      case SERIES_3 -> new Ink(0xe69f00, true, false);
      case SERIES_4 -> Ink.of(0x009e73);
      case SERIES_5 -> Ink.of(0xcc79a7);
      case SERIES_6 -> Ink.of(0xf0e442);
    };
  }

  /** The nearest of xterm's 256 colours, from the cube or the greys. */
  public static int indexed(int rgb) {
    int r = rgb >> 16 & 255;
    int g = rgb >> 8 & 255;
    int b = rgb & 255;
    if (Math.abs(r - g) < 8 && Math.abs(g - b) < 8 && r > 8 && r < 238) {
      return 232 + (r - 8) * 24 / 230;
    }
    return 16 + 36 * cube(r) + 6 * cube(g) + cube(b);
  }

  private static int cube(int value) {
    return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
  }

  /** The nearest of the sixteen ANSI colours, 0 to 15. */
  public static int ansi(int rgb) {
    int r = rgb >> 16 & 255;
    int g = rgb >> 8 & 255;
    int b = rgb & 255;
    int most = Math.max(r, Math.max(g, b));
    int least = Math.min(r, Math.min(g, b));
    if (most - least < 30) {
      return most > 190 ? 7 : 8;
    }
    int middle = (most + least) / 2;
    int color = (r > middle ? 1 : 0) | (g > middle ? 2 : 0) | (b > middle ? 4 : 0);
    return most > 160 ? color + 8 : color;
  }
}
