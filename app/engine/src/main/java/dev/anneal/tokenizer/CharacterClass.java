package dev.anneal.tokenizer;

/**
 * What the patterns of pre-tokenizers ask of a character: whether it is a letter ({@code \p{L}}), a
 * number ({@code \p{N}}) or white space ({@code \s}), by the Unicode version of the JDK.
 */
final class CharacterClass {
  static final byte OTHER = 0;
  static final byte LETTER = 1;
  static final byte NUMBER = 2;
  static final byte SPACE = 3;

  private static final byte[] BASIC_PLANE = new byte[1 << 16];

  static {
    for (int c = 0; c < BASIC_PLANE.length; c++) {
      BASIC_PLANE[c] = find(c);
    }
  }

  private CharacterClass() {}

  static byte of(int codePoint) {
    return codePoint < BASIC_PLANE.length ? BASIC_PLANE[codePoint] : find(codePoint);
  }

  /** Of the character that begins at {@code at} in well-formed UTF-8. */
  static byte at(byte[] utf8, int at) {
    int first = utf8[at];
    return first >= 0 ? BASIC_PLANE[first] : of(codePoint(utf8, at));
  }

  private static byte find(int codePoint) {
    if (isSpace(codePoint)) {
      return SPACE;
    }
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      default -> OTHER;
    };
  }

  /** Unicode's White_Space, which Java has no method for. */
  private static boolean isSpace(int c) {
    return c >= 0x09 && c <= 0x0D
        || c == 0x20
        || c == 0x85
        || c == 0xA0
        || c == 0x1680
        || c >= 0x2000 && c <= 0x200A
        || c == 0x2028
        || c == 0x2029
        || c == 0x202F
        || c == 0x205F
        || c == 0x3000;
  }

  /** Bytes of the character that begins with {@code first} in well-formed UTF-8. */
  static int width(byte first) {
    if (first >= 0) {
      return 1;
    }
    return (first & 0xE0) == 0xC0 ? 2 : (first & 0xF0) == 0xE0 ? 3 : 4;
  }

  private static int codePoint(byte[] utf8, int at) {
    int first = utf8[at];
    return switch (width(utf8[at])) {
      case 1 -> first;
      case 2 -> (first & 0x1F) << 6 | low(utf8, at + 1);
      case 3 -> (first & 0x0F) << 12 | low(utf8, at + 1) << 6 | low(utf8, at + 2);
      default ->
          (first & 0x07) << 18
              | low(utf8, at + 1) << 12
              | low(utf8, at + 2) << 6
              | low(utf8, at + 3);
    };
  }

  private static int low(byte[] utf8, int at) {
    return utf8[at] & 0x3F;
  }

  /** Where the character before {@code at} begins. */
  static int before(byte[] utf8, int at) {
    int start = at - 1;
    while ((utf8[start] & 0xC0) == 0x80) {
      start--;
    }
    return start;
  }

  /** The end of the characters of one class from {@code from} on. */
  static int run(byte[] utf8, int from, int end, byte of) {
    int at = from;
    while (at < end) {
      byte first = utf8[at];
      if (first >= 0) {
        if (BASIC_PLANE[first] != of) {
          break;
        }
        at++;
      } else {
        if (at(utf8, at) != of) {
          break;
        }
        at += width(first);
      }
    }
    return at;
  }
}
