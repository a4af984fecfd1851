package dev.anneal.terminal.text;

/**
 * Text that a model or a file name made up, safe to send to a terminal: without control characters,
 * those that turn the direction of writing and the separators of lines among them.
 */
public final class Printable {
  private static final int PICTURES = 0x2400;
  private static final int DELETE = 0x7f;
  private static final int PICTURE_OF_DELETE = 0x2421;

  private Printable() {}

  /** {@code text} on one line. */
  public static String line(String text) {
    return text(text).replace('\n', ' ').replace('\t', ' ');
  }

  /** {@code text} with control characters as {@code ^[} and other characters as {@code ?}. */
  public static String ascii(String text) {
    StringBuilder shown = new StringBuilder(text.length());
    text(text)
        .codePoints()
        .forEach(
            c -> {
              if (c >= PICTURES && c < PICTURES + ' ') {
                shown.append('^').append((char) (c - PICTURES + '@'));
              } else if (c == PICTURE_OF_DELETE) {
                shown.append("^?");
              } else {
                shown.append(c > '~' ? '?' : (char) c);
              }
            });
    return shown.toString();
  }

  /**
   * {@code text} with control characters, all but newline and tab, shown as Unicode's pictures of
   * them.
   */
  public static String text(String text) {
    StringBuilder shown = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      append(text.charAt(i), shown);
    }
    return shown.toString();
  }

  /** JSON with control characters, which a string may have as they are, as escapes. */
  public static String json(String json) {
    StringBuilder escaped = new StringBuilder(json.length());
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (isControl(c)) {
        escaped.append("\\u%04x".formatted((int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }

  static void append(char c, StringBuilder shown) {
    if (c == '\n' || c == '\t' || !isControl(c)) {
      shown.append(c);
    } else if (c < ' ') {
      shown.append((char) (PICTURES + c));
    } else {
      shown.append(c == DELETE ? (char) PICTURE_OF_DELETE : '\uFFFD');
    }
  }

  /**
   * C0, delete and C1; the separators of lines and paragraphs; and what embeds, overrides or
   * isolates a direction of writing, so that a text looks like another.
   */
  private static boolean isControl(char c) {
    return Character.isISOControl(c)
        || c >= '\u2028' && c <= '\u202e'
        || c >= '\u2066' && c <= '\u2069';
  }
}
