package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;

/** What of a text file is one document. An end of text stands before each. */
public sealed interface Documents {

  /** The rules that have names. */
  enum Named implements Documents {
    /** The whole file. */
    FILE("file"),
    /** What stands between empty lines, with the empty line behind it, as llm.c has it. */
    BLANK_LINE("blank-line"),
    /** Each line that is not empty, with its end. */
    LINE("line");

    private final String word;

    Named(String word) {
      this.word = word;
    }

    @Override
    public String toString() {
      return word;
    }
  }

  /** What stands between occurrences of a text, which itself belongs to none. */
  record Separator(String text) implements Documents {
    public Separator {
      if (text.isEmpty()) {
        throw Failure.usage(
            setting("documents")
                + " is empty; expected file, blank-line, line, or the text between two"
                + " documents, such as '<|endoftext|>'");
      }
    }

    @Override
    public String toString() {
      return "'" + text.replace("\n", "\\n") + "'";
    }
  }

  /**
   * The rule that {@code words} name: {@code file}, {@code blank-line}, {@code line}, or else a
   * separator, in which {@code \n} and {@code \t} are as in Java.
   *
   * @throws Failure when it is empty or has an escape that Java does not have
   */
  static Documents parse(String words) {
    for (Named rule : Named.values()) {
      if (rule.word.equals(words)) {
        return rule;
      }
    }
    try {
      return new Separator(words.translateEscapes());
    } catch (IllegalArgumentException e) {
      throw Failure.usage(
          setting("documents")
              + " '"
              + words
              + "' has a backslash that begins no escape; write \\n, \\t, or \\\\ for one");
    }
  }
}
