package dev.anneal.tokenizer;

import dev.anneal.failure.Failure;

/**
 * Text to token ids and back. Every id in [0, {@link #vocabularySize()}) stands for a fixed string
 * of bytes, and the bytes of {@code encode(text)} in a row are the UTF-8 of the text. Unpaired
 * surrogates, which UTF-8 does not have, are encoded as U+FFFD.
 */
public sealed interface Tokenizer permits ByteTokenizer, Gpt2Tokenizer, BytePairTokenizer {

  /** What to call it; the name that {@code --tokenizer} takes, where it needs no file. */
  String name();

  /** Tells it from all others: the same for those that have the same tokens for every text. */
  default String identity() {
    return name();
  }

  /** V: ids are below it. */
  int vocabularySize();

  /** The token before each document; text that spells it is encoded as ordinary text. */
  int endOfText();

  /** The tokens of ordinary text: none is special, whatever it spells. */
  int[] encode(String text);

  /** As {@link #encode}, but what spells a special token, such as the end of text, becomes it. */
  int[] encodeMarked(String text);

  /**
   * The last place, before its end, at which {@code text} can be cut into two parts that encode as
   * the whole does, whatever follows; 0 when there is none.
   */
  int lastCut(CharSequence text);

  /**
   * The bytes of a token, which may be a part of a character; {@link Utf8Stream} joins them.
   *
   * @throws Failure when the token is outside the vocabulary
   */
  byte[] bytes(int token);

  /** The text of tokens; bytes that are no UTF-8 become U+FFFD. */
  default String decode(int... tokens) {
    Utf8Stream stream = new Utf8Stream();
    StringBuilder text = new StringBuilder();
    for (int token : tokens) {
      text.append(stream.accept(bytes(token)));
    }
    return text.append(stream.flush()).toString();
  }

  /**
   * The tokenizer of this name.
   *
   * @throws Failure when there is none; it lists those there are
   */
  static Tokenizer named(String name) {
    return switch (name) {
      case ByteTokenizer.NAME -> new ByteTokenizer();
      case Gpt2Tokenizer.NAME -> new Gpt2Tokenizer();
      default ->
          throw Failure.usage("no tokenizer is named '" + name + "'; there are byte and gpt2");
    };
  }

  /** {@code text} with every unpaired surrogate replaced by U+FFFD; the same object if none is. */
  static String wellFormed(String text) {
    int bad = unpairedSurrogate(text, 0);
    if (bad == text.length()) {
      return text;
    }
    StringBuilder repaired = new StringBuilder(text);
    for (; bad < text.length(); bad = unpairedSurrogate(text, bad + 1)) {
      repaired.setCharAt(bad, '\uFFFD');
    }
    return repaired.toString();
  }

  private static int unpairedSurrogate(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (!Character.isSurrogate(text.charAt(i))) {
        continue;
      }
      if (!Character.isSupplementaryCodePoint(text.codePointAt(i))) {
        return i;
      }
      i++;
    }
    return text.length();
  }

  /**
   * {@code token}, if {@code tokenizer} has it.
   *
   * @throws Failure when it has not
   */
  static int requireToken(Tokenizer tokenizer, int token) {
    if (token < 0 || token >= tokenizer.vocabularySize()) {
      throw Failure.failed(
          "token "
              + Integer.toUnsignedString(token)
              + " is outside the "
              + tokenizer.name()
              + " tokenizer's vocabulary of "
              + tokenizer.vocabularySize()
              + "; use the tokenizer that the model was trained with");
    }
    return token;
  }
}
