package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;

/**
 * How text becomes documents.
 *
 * @param documents what of a text file is one; of {@code .jsonl} and {@code .json}, each record is
 * @param field of such a record, which has its text
 */
public record TextRules(Documents documents, String field) {
  public static final String DEFAULT_FIELD = "text";
  public static final TextRules DEFAULT = new TextRules(Documents.Named.FILE, DEFAULT_FIELD);

  public TextRules {
    if (field.isEmpty()) {
      throw Failure.usage(
          setting("text-field") + " is empty; expected the name of a field, such as text");
    }
  }
}
