package dev.anneal.terminal.text;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.util.Locale;

/** Passes on what a stream may get, and something visible for every other character. */
public final class FilteredWriter extends Writer {

  /** What stands for a character. */
  private interface Rule {
    void append(char c, StringBuilder to);
  }

  private final Writer to;
  private final Rule rule;

  private FilteredWriter(Writer to, Rule rule) {
    this.to = to;
    this.rule = rule;
  }

  /** Without control characters: whoever prints need not know where a text comes from. */
  public static PrintWriter printable(PrintWriter to) {
    return new PrintWriter(new FilteredWriter(to, Printable::append));
  }

  /**
   * With {@code &#92;u00e9} for what a charset does not have, which in JSON is the character, and
   * anywhere else no silent question mark.
   */
  public static PrintWriter encodable(PrintWriter to, Charset charset) {
    if (charset.name().toUpperCase(Locale.ROOT).startsWith("UTF")) {
      return to;
    }
    CharsetEncoder encoder = charset.newEncoder();
    return new PrintWriter(
        new FilteredWriter(
            to,
            (c, text) -> {
              if (c < 0x80 || encoder.canEncode(c)) {
                text.append(c);
              } else {
                text.append("\\u%04x".formatted((int) c));
              }
            }));
  }

  @Override
  public void write(char[] characters, int offset, int length) throws IOException {
    StringBuilder text = new StringBuilder(length);
    synchronized (lock) {
      for (int i = offset; i < offset + length; i++) {
        rule.append(characters[i], text);
      }
      to.append(text);
    }
  }

  @Override
  public void flush() throws IOException {
    to.flush();
  }

  @Override
  public void close() throws IOException {
    to.close();
  }
}
