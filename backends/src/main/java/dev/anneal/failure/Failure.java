package dev.anneal.failure;

import static java.util.Objects.requireNonNull;

/**
 * An error that a user can meet. Its message is one line that names the thing, the value, what was
 * expected and what to do; a user sees it without a stack trace. Settings in it are marked by
 * {@link Spelling#setting}, and written as whoever shows it does.
 */
public final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ExitCode exitCode;

  public Failure(ExitCode exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  public Failure(ExitCode exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** Something that was asked for could not be done: exit code 1. */
  public static Failure failed(String message) {
    return new Failure(ExitCode.FAILED, message);
  }

  /** What was typed is not right: exit code 2. */
  public static Failure usage(String message) {
    return new Failure(ExitCode.USAGE, message);
  }

  /** The line as a program in Java reads it: settings have their plain names. */
  @Override
  public String getMessage() {
    return message(Spelling.PLAIN);
  }

  /** The line with its settings written as {@code spelling} says. */
  public String message(Spelling spelling) {
    return spelling.spell(unspelled());
  }

  /** The line with its settings still marked, to become a part of another one. */
  public String unspelled() {
    return requireNonNull(super.getMessage());
  }

  public ExitCode exitCode() {
    return exitCode;
  }
}
