package dev.anneal.run;

import dev.anneal.generation.Generator;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.config.Opening;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.tokenizer.Utf8Stream;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Text from a model: a prompt in, whole characters out as they are drawn. */
public final class Samples {
  private Samples() {}

  /** What happens when the model ends the document. */
  public enum AtEnd {
    /** Another document begins. */
    GO_ON,
    /** The sample ends. */
    STOP
  }

  /**
   * Continues {@code prompt}, or {@code opening} when there is none. A document that does not end
   * with its line is set apart from the next by a line feed.
   *
   * @param cancelled ends the text after the token in progress
   * @return the tokens drawn, ends of documents among them; fewer than {@code tokens} when the
   *     sample stopped at one or was cancelled
   */
  public static int stream(
      Generator generator,
      Tokenizer tokenizer,
      Opening opening,
      String prompt,
      int tokens,
      SamplingSettings settings,
      AtEnd atEnd,
      Consumer<String> onText,
      BooleanSupplier cancelled) {
    int[] start = prompt.isEmpty() ? opening.tokens(tokenizer) : tokenizer.encode(prompt);
    Utf8Stream characters = new Utf8Stream();
    Told told = new Told(onText, prompt);
    int drawn =
        generator.generate(
            start,
            tokens,
            settings,
            token -> {
              if (token != tokenizer.endOfText()) {
                told.text(characters.accept(tokenizer.bytes(token)));
              } else if (atEnd == AtEnd.STOP) {
                return false;
              } else {
                told.text(characters.flush());
                told.endLine();
              }
              return !cancelled.getAsBoolean();
            });
    told.text(characters.flush());
    return drawn;
  }

  /** What has been told so far, as far as it matters. */
  private static final class Told {
    private final Consumer<String> onText;
    private boolean inLine;

    Told(Consumer<String> onText, String prompt) {
      this.onText = onText;
      this.inLine = !prompt.isEmpty() && !prompt.endsWith("\n");
    }

    void text(String text) {
      if (!text.isEmpty()) {
        inLine = !text.endsWith("\n");
        onText.accept(text);
      }
    }

    void endLine() {
      text(inLine ? "\n" : "");
    }
  }
}
