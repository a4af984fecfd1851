package dev.anneal.terminal.text;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jline.utils.WCWidth;

/**
 * Text as a terminal lays it out: characters as people see them (letters with their accents, emoji
 * made of several), each one or two cells wide.
 */
public final class Cells {
  private static final int EMOJI_STYLE = 0xFE0F;
  private static final int JOINER = 0x200D;
  private static final int ELLIPSIS = 0x2026;

  private Cells() {}

  /** The characters of {@code text} as people see them; a control character stands alone. */
  public static List<String> clusters(String text) {
    List<String> clusters = new ArrayList<>(text.length());
    if (isPlain(text)) {
      for (int i = 0; i < text.length(); i++) {
        clusters.add(single(text.charAt(i)));
      }
      return clusters;
    }
    BreakIterator breaks = BreakIterator.getCharacterInstance(Locale.ROOT);
    breaks.setText(text);
    int from = breaks.first();
    for (int to = breaks.next(); to != BreakIterator.DONE; to = breaks.next()) {
      clusters.add(text.substring(from, to));
      from = to;
    }
    return clusters;
  }

  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > '~' || text.charAt(i) == '\r') {
        return false;
      }
    }
    return true;
  }

  private static final String[] SINGLE = new String[128];

  static {
    for (int c = 0; c < SINGLE.length; c++) {
      SINGLE[c] = String.valueOf((char) c);
    }
  }

  /** One character as text. */
  public static String single(int character) {
    return character < SINGLE.length ? SINGLE[character] : Character.toString(character);
  }

  /**
   * How many cells a character takes, 0 to 2; 0 is for what cannot stand alone, such as an accent
   * without a letter.
   */
  public static int clusterWidth(String cluster) {
    int first = cluster.codePointAt(0);
    if (first < 0x300) {
      // Latin: digits become emoji by what follows, but stay as narrow as they are.
      return first >= ' ' && (first < 0x7F || first > 0x9F) && first != 0xAD ? 1 : 0;
    }
    if (!isVisible(first)) {
      return 0;
    }
    boolean pair = isRegional(first) && cluster.length() > Character.charCount(first);
    boolean emoji = cluster.indexOf(EMOJI_STYLE) > 0 || cluster.indexOf(JOINER) > 0;
    if (pair || emoji && Character.isEmoji(first)) {
      return 2;
    }
    // Marks that take room beside their letter, as in Devanagari, count, too.
    int width = cluster.codePoints().map(c -> Math.max(0, WCWidth.wcwidth(c))).sum();
    return Math.clamp(width, 0, 2);
  }

  /** Whether every terminal agrees on the width: one character, and no emoji made of several. */
  public static boolean isCertain(String cluster) {
    return cluster.length() == Character.charCount(cluster.codePointAt(0))
        && !isRegional(cluster.codePointAt(0));
  }

  private static boolean isRegional(int c) {
    return c >= 0x1F1E6 && c <= 0x1F1FF;
  }

  private static boolean isVisible(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.FORMAT,
          Character.CONTROL,
          Character.SURROGATE,
          Character.UNASSIGNED,
          Character.PRIVATE_USE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }

  /** How many cells {@code text} takes; what cannot stand alone counts as one, as it is shown. */
  public static int width(String text) {
    int width = 0;
    for (String cluster : clusters(text)) {
      width += Math.max(1, clusterWidth(cluster));
    }
    return width;
  }

  /** As much of {@code text} as {@code most} cells hold. */
  public static String cut(String text, int most) {
    int width = 0;
    StringBuilder cut = new StringBuilder();
    for (String cluster : clusters(text)) {
      width += Math.max(1, clusterWidth(cluster));
      if (width > most) {
        break;
      }
      cut.append(cluster);
    }
    return cut.toString();
  }

  /** {@code text} in at most {@code most} cells; its end becomes an ellipsis. */
  public static String fit(String text, int most, boolean ascii) {
    if (width(text) <= most) {
      return text;
    }
    String ellipsis = ascii ? "..." : Character.toString(ELLIPSIS);
    return cut(text, most - ellipsis.length())
        + ellipsis.substring(0, Math.clamp(most, 0, ellipsis.length()));
  }

  /** {@code text} with blanks after it, as wide as {@code least} cells. */
  public static String pad(String text, int least) {
    return text + " ".repeat(Math.max(0, least - width(text)));
  }

  /** The end of {@code text} that {@code most} cells hold. */
  public static String tail(String text, int most) {
    List<String> clusters = clusters(text);
    int width = 0;
    int from = clusters.size();
    while (from > 0 && width + Math.max(1, clusterWidth(clusters.get(from - 1))) <= most) {
      from--;
      width += Math.max(1, clusterWidth(clusters.get(from)));
    }
    return String.join("", clusters.subList(from, clusters.size()));
  }

  /** {@code text} without its last character. */
  public static String withoutLast(String text) {
    List<String> clusters = clusters(text);
    return String.join("", clusters.subList(0, Math.max(0, clusters.size() - 1)));
  }

  /** Lines of at most {@code width} cells, broken at blanks where there are some. */
  public static List<String> wrapWords(String text, int width) {
    List<String> lines = new ArrayList<>();
    String rest = text;
    int most = Math.max(2, width);
    while (width(rest) > most) {
      String begin = cut(rest, most + 1);
      int blank = begin.lastIndexOf(' ');
      String line = blank > 0 ? begin.substring(0, blank) : cut(rest, most);
      lines.add(line.stripTrailing());
      rest = rest.substring(line.length()).stripLeading();
    }
    lines.add(rest);
    return lines;
  }
}
