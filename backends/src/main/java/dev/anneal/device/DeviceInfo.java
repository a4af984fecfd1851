package dev.anneal.device;

/**
 * A device as {@code anneal backends} lists it.
 *
 * @param index among the backend's devices, from 0
 * @param details vector width, driver version and the like
 * @param memoryBytes the memory that arenas can have
 */
public record DeviceInfo(
    String backend, int index, String name, String details, long memoryBytes) {}
