package dev.anneal.terminal.text;

import dev.anneal.failure.Failure;
import dev.anneal.failure.Spelling;

/** Settings as options of the command line are written: {@code batch} is {@code --batch}. */
public final class Dashes {
  public static final Spelling SPELLING = name -> "--" + name;

  private Dashes() {}

  /** What a failure says, for a terminal's reader. */
  public static String in(Failure failure) {
    return failure.message(SPELLING);
  }

  /** What an exception says; of one that is no failure, its own message. */
  public static String in(Throwable error) {
    return error instanceof Failure failure ? in(failure) : String.valueOf(error.getMessage());
  }

  /** A line whose settings are marked. */
  public static String in(String line) {
    return SPELLING.spell(line);
  }
}
