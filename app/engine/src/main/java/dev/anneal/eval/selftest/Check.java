package dev.anneal.eval.selftest;

import dev.anneal.device.Device;
import dev.anneal.plan.Precision;

/**
 * Something that a device must do right.
 *
 * @param name one word
 * @param precision of the device's tensors
 */
record Check(String name, Precision precision, Body body) {

  /** What is done on the device. */
  @FunctionalInterface
  interface Body {
    /** May fail in any way that a device or a library has. */
    Finding on(Device device);
  }
}
