package dev.anneal.terminal.text;

import java.nio.charset.Charset;
import java.util.Locale;
import java.util.Map;

/** What the terminal can show. */
public record Look(Glyphs glyphs, Colors colors) {

  /** How curves are drawn. */
  public enum Glyphs {
    /** 2 by 4 dots per cell. */
    BRAILLE,
    /** 2 by 2 quadrants per cell. */
    BLOCK,
    ASCII;

    public Glyphs next() {
      return values()[(ordinal() + 1) % values().length];
    }
  }

  /** How many colours there are. */
  public enum Colors {
    NONE,
    SIXTEEN,
    INDEXED,
    TRUE
  }

  /** Text for a pipe or a file. */
  public static final Look PLAIN = new Look(Glyphs.ASCII, Colors.NONE);

  /**
   * From the environment alone, as a guess of what a terminal can do; anything else gets no colour.
   */
  public static Look of(Map<String, String> environment, Charset charset, boolean terminal) {
    String term = TerminalType.of(environment);
    Look look = of(environment, charset, term.contains("256") ? 256 : 8);
    return terminal ? look : new Look(look.glyphs(), Colors.NONE);
  }

  /**
   * From the environment: {@code NO_COLOR} (not empty) and {@code TERM=dumb} mean no colour, {@code
   * COLORTERM} true colour, otherwise what {@code TERM} can do. Braille needs a UTF-8 locale.
   *
   * @param charset of standard output
   * @param terminalColors that the terminal's description has
   */
  public static Look of(Map<String, String> environment, Charset charset, int terminalColors) {
    String term = TerminalType.of(environment);
    boolean unicode = charset.name().toUpperCase(Locale.ROOT).startsWith("UTF");
    Glyphs glyphs = unicode && !term.equals("linux") ? Glyphs.BRAILLE : Glyphs.ASCII;
    if (unicode && term.equals("linux")) {
      glyphs = Glyphs.BLOCK;
    }
    return new Look(glyphs, colors(environment, term, terminalColors));
  }

  private static Colors colors(Map<String, String> environment, String term, int terminalColors) {
    if (!environment.getOrDefault("NO_COLOR", "").isEmpty() || TerminalType.isDumb(environment)) {
      return Colors.NONE;
    }
    String colorTerm = environment.getOrDefault("COLORTERM", "");
    if (colorTerm.equals("truecolor") || colorTerm.equals("24bit")) {
      return Colors.TRUE;
    }
    return terminalColors >= 256
        ? Colors.INDEXED
        : terminalColors >= 8 ? Colors.SIXTEEN : Colors.NONE;
  }
}
