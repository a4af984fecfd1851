package dev.anneal.device;

/** A vendor's way to find and open devices; found by {@link java.util.ServiceLoader}. */
public interface Backend {

  /** The name on the command line: {@code cpu}, {@code cuda}, {@code hip}, {@code opencl}. */
  String name();

  /** The devices here, or why there are none. Never throws, and never ends the process. */
  Availability probe();

  /**
   * Opens one of the devices that {@link #probe} found.
   *
   * @throws dev.anneal.failure.Failure when the device is gone or refuses
   */
  Device open(DeviceInfo device, DeviceOptions options);
}
