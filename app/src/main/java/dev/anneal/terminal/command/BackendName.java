package dev.anneal.terminal.command;

import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import dev.anneal.session.LiveRun;

/** A backend as it is typed: {@code opencl}, or {@code opencl:1} for its device 1. */
final class BackendName {
  private BackendName() {}

  /** The name alone. */
  static String of(String text) {
    int colon = text.indexOf(':');
    return colon < 0 ? text : text.substring(0, colon);
  }

  static LiveRun.Place parse(String text, DeviceOptions options) {
    int colon = text.indexOf(':');
    if (colon < 0) {
      return new LiveRun.Place(text, 0, options);
    }
    try {
      return new LiveRun.Place(
          text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)), options);
    } catch (NumberFormatException e) {
      throw Failure.usage(
          "'" + text + "' names no device; expected NAME or NAME:N, such as opencl:1");
    }
  }
}
