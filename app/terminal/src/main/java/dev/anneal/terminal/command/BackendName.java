package dev.anneal.terminal.command;

/** A backend as it is typed: {@code opencl}, or {@code opencl:1} for its device 1. */
final class BackendName {
  private BackendName() {}

  /** The name alone. */
  static String of(String text) {
    int colon = text.indexOf(':');
    return colon < 0 ? text : text.substring(0, colon);
  }
}
