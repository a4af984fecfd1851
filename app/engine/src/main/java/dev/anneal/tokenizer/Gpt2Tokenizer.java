package dev.anneal.tokenizer;

import com.knuddels.jtokkit.Encodings;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Optional;

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

  /** Read once, when it is first needed. */
  private static final class Held {
    private static final BytePairTokenizer PAIRS = read();

    private static BytePairTokenizer read() {
      try (InputStream ranks =
          Encodings.class.getResourceAsStream("/com/knuddels/jtokkit/r50k_base.tiktoken")) {
        if (ranks == null) {
          throw new IllegalStateException("jtokkit has no r50k_base.tiktoken");
        }
        return new BytePairTokenizer(
            RankFile.read(NAME, ranks.readAllBytes(), Optional.of(PreTokenizer.GPT2)));
      } catch (IOException e) {
        throw new UncheckedIOException("jtokkit's r50k_base.tiktoken cannot be read", e);
      }
    }
  }

  /** The same as one that a file describes. */
  public BytePairTokenizer pairs() {
    return Held.PAIRS;
  }

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
    return pairs().encode(text);
  }

  int[] encode(String text, int chunk) {
    return pairs().encode(text, chunk);
  }

  @Override
  public int[] encodeMarked(String text) {
    return pairs().encodeMarked(text);
  }

  @Override
  public int lastCut(CharSequence text) {
    return pairs().lastCut(text);
  }

  @Override
  public byte[] bytes(int token) {
    Tokenizer.requireToken(this, token);
    return pairs().bytes(token);
  }
}
