package dev.anneal.device;

import java.util.Map;

/**
 * How to open a device.
 *
 * @param threads host threads that compute; a device that is no CPU ignores it
 * @param kernels kernel versions chosen by name, e.g. {@code layernorm_forward -> 1}
 * @param deterministic whether a run that is made again must have the same bits; when not, a
 *     vendor's library may compute in the way that it thinks the fastest
 */
public record DeviceOptions(int threads, Map<String, Integer> kernels, boolean deterministic) {
  public DeviceOptions {
    kernels = Map.copyOf(kernels);
  }

  public static DeviceOptions defaults() {
    return threads(Runtime.getRuntime().availableProcessors());
  }

  /** These options without a choice of kernels. */
  public DeviceOptions onlyThreads() {
    return threads(threads);
  }

  public static DeviceOptions threads(int threads) {
    return new DeviceOptions(threads, Map.of(), true);
  }
}
