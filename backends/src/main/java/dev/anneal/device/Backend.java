package dev.anneal.device;

import java.util.List;

/** A vendor's way to find and open devices; found by {@link java.util.ServiceLoader}. */
public interface Backend {

  /** The name on the command line: {@code cpu}, {@code cuda}, {@code hip}, {@code opencl}. */
  String name();

  /** The devices here, or why there are none. Never throws, and never ends the process. */
  Availability probe();

  /** The libraries that it looks for, whether or not they are here. Never throws. */
  default List<LibraryInfo> libraries() {
    return List.of();
  }

  /** The kernels of which its devices may have several versions; no device is opened. */
  default List<KernelFamily> kernels() {
    return List.of();
  }

  /**
   * Opens one of the devices that {@link #probe} found.
   *
   * @throws dev.anneal.failure.Failure when the device is gone or refuses
   */
  Device open(DeviceInfo device, DeviceOptions options);
}
