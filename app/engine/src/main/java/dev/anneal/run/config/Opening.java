package dev.anneal.run.config;

import dev.anneal.tokenizer.Tokenizer;
import java.util.Locale;
import java.util.Optional;

/** What a sample without a prompt begins with, which is nothing that the reader sees. */
public enum Opening {
  /** As documents begin. */
  END_OF_TEXT,
  /**
   * As lines begin: a model that was trained on one document has met an end of text but once, and
   * knows nothing of what follows one. Source: nanoGPT's {@code sample.py}, which begins with a
   * line feed.
   */
  LINE_FEED;

  /** For a model that is trained on {@code documents} of them, 0 where nobody counted. */
  static Opening after(long documents) {
    return documents == 1 ? LINE_FEED : END_OF_TEXT;
  }

  /** The one that {@link #word} named; without a word, as it was before there was a choice. */
  public static Opening of(Optional<String> word) {
    return word.filter(LINE_FEED.word()::equals).isPresent() ? LINE_FEED : END_OF_TEXT;
  }

  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  public int[] tokens(Tokenizer tokenizer) {
    return switch (this) {
      case END_OF_TEXT -> new int[] {tokenizer.endOfText()};
      case LINE_FEED -> tokenizer.encode("\n");
    };
  }
}
