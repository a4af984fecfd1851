package dev.anneal.tokenizer;

import java.nio.charset.StandardCharsets;

/** Each byte of the UTF-8 text is a token; NUL, which text files do not have, ends a text. */
public final class ByteTokenizer implements Tokenizer {
  static final String NAME = "byte";

  /** All bytes. */
  public static final int VOCABULARY = 256;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int vocabularySize() {
    return VOCABULARY;
  }

  @Override
  public int endOfText() {
    return 0;
  }

  @Override
  public int[] encode(String text) {
    byte[] utf8 = Tokenizer.wellFormed(text).getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[utf8.length];
    for (int i = 0; i < utf8.length; i++) {
      tokens[i] = Byte.toUnsignedInt(utf8[i]);
    }
    return tokens;
  }

  /** No text spells NUL otherwise than by NUL. */
  @Override
  public int[] encodeMarked(String text) {
    return encode(text);
  }

  @Override
  public int lastCut(CharSequence text) {
    int last = text.length() - 1;
    return last > 0 && Character.isLowSurrogate(text.charAt(last)) ? last - 1 : Math.max(0, last);
  }

  @Override
  public byte[] bytes(int token) {
    return new byte[] {(byte) Tokenizer.requireToken(this, token)};
  }
}
