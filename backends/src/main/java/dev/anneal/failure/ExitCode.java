package dev.anneal.failure;

/** How a command ends, as the shell sees it. */
public enum ExitCode {
  DONE(0),
  FAILED(1),
  USAGE(2),
  /** A backend, device or driver is missing or was lost. */
  BACKEND(3),
  /** The numbers are wrong: NaN, or a comparison beyond its tolerance. */
  NUMBERS(4),
  /** The terminal is gone. */
  HUNG_UP(129),
  INTERRUPTED(130),
  TERMINATED(143);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }
}
