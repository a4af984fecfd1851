package dev.anneal.session;

import dev.anneal.generation.Generator;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.tokenizer.Utf8Stream;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Text from a model: a prompt in, whole characters out as they are drawn. */
public final class Samples {
  private Samples() {}

  /**
   * Continues {@code prompt}; an empty one is the beginning of a document.
   *
   * @param cancelled ends the text after the token in progress
   * @return the tokens drawn; fewer than {@code tokens} when the model ends the document
   */
  public static int stream(
      Generator generator,
      Tokenizer tokenizer,
      String prompt,
      int tokens,
      SamplingSettings settings,
      Consumer<String> onText,
      BooleanSupplier cancelled) {
    int[] start = prompt.isEmpty() ? new int[] {tokenizer.endOfText()} : tokenizer.encode(prompt);
    Utf8Stream characters = new Utf8Stream();
    int drawn =
        generator.generate(
            start,
            tokens,
            settings,
            token -> {
              if (token == tokenizer.endOfText()) {
                return false;
              }
              String text = characters.accept(tokenizer.bytes(token));
              if (!text.isEmpty()) {
                onText.accept(text);
              }
              return !cancelled.getAsBoolean();
            });
    String rest = characters.flush();
    if (!rest.isEmpty()) {
      onText.accept(rest);
    }
    return drawn;
  }
}
