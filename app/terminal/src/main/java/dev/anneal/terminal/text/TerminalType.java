package dev.anneal.terminal.text;

import java.util.Map;

/** The type of terminal that the environment names. */
public final class TerminalType {
  /** One that can do no more than print; also what nobody names. */
  private static final String DUMB = "dumb";

  private TerminalType() {}

  public static String of(Map<String, String> environment) {
    String type = environment.getOrDefault("TERM", "").strip();
    return type.isEmpty() ? DUMB : type;
  }

  /** Whether it cannot address cells or erase what it shows. */
  public static boolean isDumb(Map<String, String> environment) {
    String type = of(environment);
    return type.startsWith(DUMB) || type.equals("unknown");
  }
}
