package dev.anneal.failure;

import static java.util.Objects.requireNonNull;

/**
 * An error that a user can meet. Its message is one line that names the thing, the value, what was
 * expected and what to do; it is shown without a stack trace unless {@code --debug} is given.
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

  @Override
  public String getMessage() {
    return requireNonNull(super.getMessage());
  }

  public ExitCode exitCode() {
    return exitCode;
  }
}
