package dev.anneal.device;

/**
 * A device as {@code anneal backends} lists it.
 *
 * @param index among the backend's devices, from 0
 * @param details vector width, driver version and the like
 * @param memoryBytes the memory that arenas can have, at most
 * @param memoryIsFree whether all of it was free when asked; otherwise it is all that the device
 *     has, of which others may have some
 */
public record DeviceInfo(
    String backend,
    int index,
    String name,
    String details,
    long memoryBytes,
    boolean memoryIsFree) {

  /** Of a device that tells how much memory it has, and not how much of it is free. */
  public DeviceInfo(String backend, int index, String name, String details, long memoryBytes) {
    this(backend, index, name, details, memoryBytes, false);
  }

  /** What its memory is, after an amount: {@code free} or {@code in all}. */
  public String memoryWord() {
    return memoryIsFree ? "free" : "in all";
  }
}
