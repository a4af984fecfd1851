package dev.anneal.tokenizer;

import java.util.Arrays;
import java.util.Optional;

/**
 * How a text is cut into pieces before pairs of bytes are merged, which merges never cross. The
 * published regular expressions are scanned by hand: each piece in time linear in its length,
 * without recursion, whatever the text is.
 */
public enum PreTokenizer {
  /** Of GPT-2; letters, numbers and other characters, each with a space before them. */
  GPT2(
      "gpt2",
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
      Integer.MAX_VALUE),

  /** Of Llama 3, and of GPT-4's cl100k_base: at most three digits. */
  LLAMA3(
      "llama3",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      3),

  /** Of Qwen 2 and 3: each digit alone. */
  QWEN2(
      "qwen2",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      1);

  private final String key;
  private final String regex;
  private final int digits;

  PreTokenizer(String key, String regex, int digits) {
    this.key = key;
    this.regex = regex;
    this.digits = digits;
  }

  /** Its name on the command line. */
  public String key() {
    return key;
  }

  /** The published regular expression, as tokenizer.json has it. */
  String regex() {
    return regex;
  }

  static Optional<PreTokenizer> ofRegex(String regex) {
    return Arrays.stream(values()).filter(each -> each.regex.equals(regex)).findFirst();
  }

  static Optional<PreTokenizer> ofKey(String key) {
    return Arrays.stream(values()).filter(each -> each.key.equals(key)).findFirst();
  }

  /**
   * The end of the piece that begins at {@code from}.
   *
   * @param utf8 well-formed
   * @param end of the text
   */
  int pieceEnd(byte[] utf8, int from, int end) {
    return this == GPT2 ? gpt2(utf8, from, end) : llama(utf8, from, end, digits);
  }

  private static int gpt2(byte[] utf8, int from, int end) {
    if (utf8[from] == '\'') {
      int contraction = contraction(utf8, from, end, false);
      if (contraction > 0) {
        return from + contraction;
      }
    }
    byte first = CharacterClass.at(utf8, from);
    if (first != CharacterClass.SPACE) {
      return CharacterClass.run(utf8, from, end, first);
    }
    if (utf8[from] == ' ' && from + 1 < end) {
      byte second = CharacterClass.at(utf8, from + 1);
      if (second != CharacterClass.SPACE) {
        return CharacterClass.run(utf8, from + 1, end, second);
      }
    }
    return allButLast(utf8, from, CharacterClass.run(utf8, from, end, CharacterClass.SPACE), end);
  }

  private static int llama(byte[] utf8, int from, int end, int digits) {
    byte b = utf8[from];
    if (b == '\'') {
      int contraction = contraction(utf8, from, end, true);
      if (contraction > 0) {
        return from + contraction;
      }
    }
    byte first = CharacterClass.at(utf8, from);
    if (first == CharacterClass.LETTER) {
      return CharacterClass.run(utf8, from, end, first);
    }
    if (first == CharacterClass.NUMBER) {
      return digits(utf8, from, end, digits);
    }
    int second = from + CharacterClass.width(b);
    byte next = second < end ? CharacterClass.at(utf8, second) : CharacterClass.SPACE;
    if (!isLineEnd(b) && next == CharacterClass.LETTER) {
      return CharacterClass.run(utf8, second, end, CharacterClass.LETTER);
    }
    if (first == CharacterClass.OTHER || b == ' ' && next == CharacterClass.OTHER) {
      int at = CharacterClass.run(utf8, second, end, CharacterClass.OTHER);
      while (at < end && isLineEnd(utf8[at])) {
        at++;
      }
      return at;
    }
    int run = CharacterClass.run(utf8, from, end, CharacterClass.SPACE);
    for (int at = run; at > from; at--) {
      if (isLineEnd(utf8[at - 1])) {
        return at;
      }
    }
    return allButLast(utf8, from, run, end);
  }

  private static int digits(byte[] utf8, int from, int end, int most) {
    int at = from;
    for (int n = 0; n < most && at < end; n++) {
      if (CharacterClass.at(utf8, at) != CharacterClass.NUMBER) {
        break;
      }
      at += CharacterClass.width(utf8[at]);
    }
    return at;
  }

  /** White space leaves its last character to the word behind it, if there is one. */
  private static int allButLast(byte[] utf8, int from, int runEnd, int end) {
    if (runEnd == end) {
      return end;
    }
    int last = CharacterClass.before(utf8, runEnd);
    return last > from ? last : runEnd;
  }

  private static boolean isLineEnd(byte b) {
    return b == '\n' || b == '\r';
  }

  /** The length of {@code 's}, {@code 'll} and the like at an apostrophe; 0 for none. */
  private static int contraction(byte[] utf8, int from, int end, boolean anyCase) {
    int first = letter(utf8, from + 1, end, anyCase);
    int second = letter(utf8, from + 2, end, anyCase);
    return switch (first) {
      case 's', 't', 'm', 'd' -> 2;
      case 'r', 'v' -> second == 'e' ? 3 : 0;
      case 'l' -> second == 'l' ? 3 : 0;
      // The long s folds to s; it takes two bytes.
      case 0xC5 -> anyCase && second == 0xBF ? 3 : 0;
      default -> 0;
    };
  }

  private static int letter(byte[] utf8, int at, int end, boolean anyCase) {
    if (at >= end) {
      return 0;
    }
    int b = utf8[at] & 0xFF;
    return anyCase && b >= 'A' && b <= 'Z' ? b | 0x20 : b;
  }

  /** The last place before its end at which a text can be cut; 0 for none. */
  int lastCut(CharSequence text) {
    for (int i = text.length() - 1; i > 0; i--) {
      if (isCut(text, i)) {
        return i;
      }
    }
    return 0;
  }

  boolean isCut(CharSequence text, int at) {
    char c = text.charAt(at);
    return (c == ' ' || c == '\n')
        && cutsBefore(c, CharacterClass.of(Character.codePointBefore(text, at)));
  }

  /**
   * Whether a text can be cut before the character {@code c} so that both parts have the pieces of
   * the whole, by the class of the character before.
   */
  boolean cutsBefore(int c, byte before) {
    if (c == ' ') {
      return before != CharacterClass.SPACE;
    }
    // Line ends may belong to a punctuation mark before them.
    return c == '\n' && (before == CharacterClass.LETTER || before == CharacterClass.NUMBER);
  }
}
