package dev.anneal.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Predicate;

/** What commands write to files that users name, each known by how it begins. */
public enum WrittenContent {
  LLMC_CHECKPOINT(
      "an llm.c checkpoint",
      head ->
          head.length >= Integer.BYTES
              && ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt()
                  == LlmcHeader.Kind.MODEL.magic()),
  RECORD("a record", text(head -> head.startsWith("{\"event\":"))),
  COMPARISON(
      "a comparison",
      text(head -> head.startsWith("{") && head.matches("(?s).*\"event\" ?: ?\"comparison\".*"))),
  COMPARISON_TABLE("a table of compare", text(head -> head.contains("\n| op |"))),
  COMPARISON_CSV("a table of compare", text(head -> head.startsWith("op,"))),
  SERIES_CSV("a table of a metric", text(head -> head.startsWith("step,seconds,"))),
  SCREEN(
      "a picture of the dashboard in text",
      text(head -> head.contains("\n\u00e2\u0094\u008c") || head.contains("\n+-"))),
  TOKENIZER("a tokenizer", text(head -> head.startsWith("{") && head.contains("\"added_tokens\""))),
  SVG("an SVG picture", text(head -> head.startsWith("<") && head.contains("<svg"))),
  PNG("a PNG picture", text(head -> head.startsWith("\u0089PNG\r\n\u001a\n")));

  /** How many bytes at the beginning of a file are enough. */
  static final int HEAD_BYTES = 4096;

  private final String words;
  private final Predicate<byte[]> test;

  WrittenContent(String words, Predicate<byte[]> test) {
    this.words = words;
    this.test = test;
  }

  /** A character per byte, so that any file is a text. */
  private static Predicate<byte[]> text(Predicate<String> test) {
    return head -> test.test(new String(head, ISO_8859_1));
  }

  /** With its article. */
  public String words() {
    return words;
  }

  /** Whether it is no text. */
  public boolean isBinary() {
    return this == LLMC_CHECKPOINT || this == PNG;
  }

  /** Whether a file that begins with {@code head} is of this kind. */
  public boolean isIn(byte[] head) {
    return test.test(head);
  }
}
