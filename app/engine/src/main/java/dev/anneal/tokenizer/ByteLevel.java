package dev.anneal.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The characters that stand for bytes in the files of byte-level tokenizers: printable ones for
 * themselves, the others from U+0100 on. Source: {@code bytes_to_unicode} of OpenAI's GPT-2.
 */
final class ByteLevel {
  private static final char[] CHARACTERS = new char[256];
  private static final int[] BYTES = new int[0x200];

  static {
    Arrays.fill(BYTES, -1);
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      CHARACTERS[b] = (char) (printable ? b : next++);
      BYTES[CHARACTERS[b]] = b;
    }
  }

  private ByteLevel() {}

  static char character(int b) {
    return CHARACTERS[b];
  }

  /** All bytes, in the order of their characters, which is that of published ids. */
  static List<Integer> bytesInOrder() {
    return IntStream.range(0, BYTES.length)
        .filter(c -> BYTES[c] >= 0)
        .mapToObj(c -> BYTES[c])
        .toList();
  }

  static String text(byte[] bytes) {
    StringBuilder text = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      text.append(CHARACTERS[b & 0xFF]);
    }
    return text.toString();
  }

  /** The bytes that a token of such a file stands for; empty if a character stands for none. */
  static Optional<byte[]> bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      int b = c < BYTES.length ? BYTES[c] : -1;
      if (b < 0) {
        return Optional.empty();
      }
      bytes[i] = (byte) b;
    }
    return Optional.of(bytes);
  }
}
