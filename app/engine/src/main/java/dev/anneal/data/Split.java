package dev.anneal.data;

import dev.anneal.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/** What is trained on, and what is held out to measure the loss on. */
public record Split(TokenSource training, TokenSource validation) {
  /** As in llm.c, for a text of which it is at most a tenth. */
  private static final long VALIDATION_TOKENS = 32_768;

  private static final int TENTH = 10;

  /**
   * Holds out every tenth document, so that both parts are of all kinds; a single document is split
   * as {@link #head} does.
   */
  public static Split byDocument(String name, List<String> documents, Tokenizer tokenizer) {
    if (documents.size() < 2) {
      return head(TextTokens.of(name, documents, tokenizer));
    }
    int every = Math.min(TENTH, documents.size());
    List<String> training = new ArrayList<>();
    List<String> validation = new ArrayList<>();
    for (int i = 0; i < documents.size(); i++) {
      (i % every == every - 1 ? validation : training).add(documents.get(i));
    }
    return new Split(
        TextTokens.of(name, training, tokenizer),
        TextTokens.of("held-out documents of " + name, validation, tokenizer));
  }

  /**
   * Holds out the last tenth, as nanoGPT does; the end of text that a source begins with does not
   * count, so that of a text as one document the same characters are held out.
   */
  public static Split tail(TokenSource all) {
    long held = Math.ceilDiv(Math.max(0, all.length() - 1), TENTH);
    long kept = all.length() - held;
    return new Split(
        all.range("all but the last " + held + " tokens", 0, kept),
        all.range("the last " + held + " tokens", kept, held));
  }

  /**
   * Holds out the beginning, as llm.c does: 32,768 tokens, or a tenth of a text that has fewer than
   * ten times as many.
   */
  public static Split head(TokenSource all) {
    long held = Math.min(VALIDATION_TOKENS, all.length() / TENTH);
    return new Split(
        all.range("all but the first " + held + " tokens", held, all.length() - held),
        all.range("the first " + held + " tokens", 0, held));
  }
}
