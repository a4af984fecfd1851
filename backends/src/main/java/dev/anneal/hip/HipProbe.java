package dev.anneal.hip;

import dev.anneal.failure.Failure;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.SharedLibrary;

/** Looks whether there is a runtime that starts and finds a device. */
final class HipProbe {
  private HipProbe() {}

  /** What the probe found. */
  sealed interface Result {}

  /** A runtime with {@code devices} devices. */
  record Present(HipRuntime runtime, int devices) implements Result {}

  /** Why there is none, in one line. */
  record Absent(String reason) implements Result {}

  static Result probe(LibraryLocator locator) {
    return HipLibrary.RUNTIME
        .find(locator)
        .map(HipProbe::look)
        .orElseGet(
            () ->
                new Absent(
                    "no ROCm: "
                        + new LibrarySearch(locator)
                            .broken(HipLibrary.RUNTIME.sonames(locator))
                            .orElse(
                                HipLibrary.RUNTIME.description()
                                    + " is not in "
                                    + locator.searched())));
  }

  private static Result look(SharedLibrary library) {
    HipRuntime runtime;
    try {
      runtime = new HipRuntime(library);
    } catch (Failure e) {
      return new Absent(e.getMessage());
    }
    // Without a device, versions differ in what starting says; they agree when asked for a count.
    int started = runtime.init();
    int count = runtime.deviceCount();
    if (count == 0 || count == -HipRuntime.NO_DEVICE.value()) {
      return new Absent(
          "the HIP runtime "
              + library.path()
              + " finds no GPU; it needs /dev/kfd and you in the group render");
    }
    if (started != 0 || count < 0) {
      return new Absent(
          "the HIP runtime "
              + library.path()
              + " does not start: "
              + (started == 0 ? HipFunction.DEVICE_COUNT : HipFunction.INIT).function().name()
              + " says "
              + runtime.text(started == 0 ? -count : started));
    }
    return new Present(runtime, count);
  }
}
