package dev.anneal.device;

import java.util.List;
import java.util.Optional;

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
   * A device that only plans: it says what it would do, but has no memory and runs nothing. No such
   * device need be here. Empty for a backend that must ask a device.
   *
   * @param target what kind of device, as compilers name it; a usual one when none is given
   * @throws dev.anneal.failure.Failure when there is no such target
   */
  default Optional<Device> planned(Optional<String> target) {
    return Optional.empty();
  }

  /** Whether its devices compute faster when bits may differ from run to run. */
  default boolean gainsWithoutDeterminism() {
    return false;
  }

  /**
   * Opens one of the devices that {@link #probe} found.
   *
   * @throws dev.anneal.failure.Failure when the device is gone or refuses
   */
  Device open(DeviceInfo device, DeviceOptions options);

  /** How it uses libraries, where the environment has a say in that, a line each. */
  default List<String> usage() {
    return List.of();
  }
}
