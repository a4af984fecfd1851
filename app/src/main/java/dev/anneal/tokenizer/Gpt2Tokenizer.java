package dev.anneal.tokenizer;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.util.ArrayList;
import java.util.List;

/**
 * GPT-2's byte-pair encoding: 256 bytes, 50,000 merges and the end of text. The vocabulary is
 * jtokkit's {@code r50k_base}.
 *
 * <p>Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
 */
public final class Gpt2Tokenizer implements Tokenizer {
  static final String NAME = "gpt2";

  /** OpenAI's: 50,000 merges, 256 bytes and the end of text. */
  public static final int VOCABULARY = 50257;

  private static final int END_OF_TEXT = 50256;

  /** UTF-16 units encoded at a time, so that a large text is encoded by all cores. */
  private static final int CHUNK = 1 << 18;

  private final Encoding encoding =
      Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

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
    return END_OF_TEXT;
  }

  @Override
  public int[] encode(String text) {
    return encode(text, CHUNK);
  }

  int[] encode(String text, int chunk) {
    List<String> parts = chunks(Tokenizer.wellFormed(text), chunk);
    if (parts.size() == 1) {
      return encoding.encodeOrdinary(parts.getFirst()).toArray();
    }
    List<int[]> tokens =
        parts.parallelStream().map(part -> encoding.encodeOrdinary(part).toArray()).toList();
    int[] all = new int[tokens.stream().mapToInt(part -> part.length).sum()];
    int length = 0;
    for (int[] part : tokens) {
      System.arraycopy(part, 0, all, length, part.length);
      length += part.length;
    }
    return all;
  }

  /**
   * Parts of at least {@code chunk} units that encode as the whole does. A part ends before a space
   * or line feed that follows something else than white space: no piece of GPT-2's pattern goes on
   * there, and the pattern's look-ahead, which only white space has, never sees the end of a part.
   */
  private static List<String> chunks(String text, int chunk) {
    List<String> parts = new ArrayList<>();
    int start = 0;
    for (int i = chunk; i < text.length(); i++) {
      if (isCut(text, i)) {
        parts.add(text.substring(start, i));
        start = i;
        i += chunk;
      }
    }
    parts.add(text.substring(start));
    return parts;
  }

  private static boolean isCut(CharSequence text, int i) {
    char c = text.charAt(i);
    return (c == ' ' || c == '\n') && !isSpace(text.charAt(i - 1));
  }

  @Override
  public int lastCut(CharSequence text) {
    for (int i = text.length() - 1; i > 0; i--) {
      if (isCut(text, i)) {
        return i;
      }
    }
    return 0;
  }

  /** At least what the pattern takes for white space. */
  private static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || Character.isISOControl(c);
  }

  @Override
  public byte[] bytes(int token) {
    IntArrayList one = new IntArrayList(1);
    one.add(Tokenizer.requireToken(this, token));
    return encoding.decodeBytes(one);
  }
}
