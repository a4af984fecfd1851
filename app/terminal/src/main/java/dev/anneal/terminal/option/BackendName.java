package dev.anneal.terminal.option;

/** A backend as it is typed: {@code opencl}, or {@code opencl:1} for its device 1. */
public final class BackendName {
  private BackendName() {}

  /** The name alone. */
  public static String of(String text) {
    int colon = text.indexOf(':');
    return colon < 0 ? text : text.substring(0, colon);
  }
}
