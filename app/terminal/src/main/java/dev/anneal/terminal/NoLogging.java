package dev.anneal.terminal;

/**
 * What libraries log goes nowhere: a terminal is for what the program says. Java's logging makes
 * one of these, when it starts, instead of reading a configuration that has handlers.
 */
public final class NoLogging {
  private static final String CONFIGURATION = "java.util.logging.config.class";

  /** Called by {@link java.util.logging.LogManager}. */
  public NoLogging() {}

  /** Before any library logs, and without starting what logs. */
  static void install() {
    System.setProperty(CONFIGURATION, NoLogging.class.getName());
  }
}
