package dev.anneal.terminal.text;

/** Text that a model or a file name made up, safe to send to a terminal. */
public final class Printable {
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
              if (c >= 0x2400 && c < 0x2420) {
                shown.append('^').append((char) (c - 0x2400 + '@'));
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
    text.codePoints()
        .forEach(
            c -> {
              if (c == '\n' || c == '\t' || !Character.isISOControl(c)) {
                shown.appendCodePoint(c);
              } else if (c < 0x20) {
                shown.appendCodePoint(0x2400 + c);
              } else {
                shown.append('\uFFFD');
              }
            });
    return shown.toString();
  }
}
