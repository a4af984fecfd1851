package dev.anneal.failure;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a line for a user writes the names of settings. Who fails knows a setting by its name, such
 * as {@code batch}, and marks it with {@link #setting}; who shows the line spells it: a program in
 * Java as it is, a terminal as its options are written.
 */
@FunctionalInterface
public interface Spelling {
  /** Writes a setting as its name in Java: {@code batch}. */
  Spelling PLAIN = name -> name;

  /** How {@code name} is written. */
  String of(String name);

  /** The line with all marked names written so; none is marked afterwards. */
  default String spell(String line) {
    return Marked.NAME
        .matcher(line)
        .replaceAll(name -> Matcher.quoteReplacement(of(name.group(1))));
  }

  /** Marks the name of a setting, such as {@code total-batch}, in a line that is to be spelled. */
  static String setting(String name) {
    return Marked.MARK + name;
  }

  /** The mark is a character that Unicode keeps for programs' own use: no text has it. */
  final class Marked {
    private static final String MARK = "\ufdd0";
    private static final Pattern NAME = Pattern.compile(MARK + "([a-z0-9]+(?:-[a-z0-9]+)*)");

    private Marked() {}
  }
}
