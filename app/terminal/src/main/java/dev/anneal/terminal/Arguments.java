package dev.anneal.terminal;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The words of the command line, as the JVM understood them. */
final class Arguments {
  private static final Path RAW = Path.of("/proc/self/cmdline");

  private Arguments() {}

  /**
   * Refuses words that the JVM could not read: it puts a question mark, or U+FFFD, for what is not
   * in the locale's charset, and a path or a prompt would be another than was typed.
   *
   * @throws Failure a usage error that names the word
   */
  static void requireWhole(String[] words) {
    for (String word : words) {
      if (word.indexOf('\ufffd') >= 0) {
        throw Failure.usage(
            "'" + word + "' is not in UTF-8, or has a character that stands for what is not");
      }
    }
    String charset = System.getProperty("sun.jnu.encoding", "");
    boolean ascii =
        !Charset.isSupported(charset) || Charset.forName(charset).equals(StandardCharsets.US_ASCII);
    if (ascii && goesBeyondAscii()) {
      throw Failure.usage(
          "the command goes beyond ASCII, and this system has no locale for that;"
              + " install C.UTF-8, or put the command in a file for -f");
    }
  }

  private static boolean goesBeyondAscii() {
    try {
      for (byte b : Files.readAllBytes(RAW)) {
        if (b < 0) {
          return true;
        }
      }
    } catch (IOException e) {
      // Not on this system, where the JVM does without a locale.
    }
    return false;
  }
}
