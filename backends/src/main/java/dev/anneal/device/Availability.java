package dev.anneal.device;

import java.util.List;

/** What a backend found on this machine. */
public sealed interface Availability {

  record Available(List<DeviceInfo> devices) implements Availability {
    public Available {
      devices = List.copyOf(devices);
    }
  }

  /** Why there is no device, in one line: the library or driver that is missing. */
  record Missing(String reason) implements Availability {}
}
