package dev.anneal.device;

/**
 * One version of a kernel.
 *
 * @param idea what it adds to the one before it, for people
 */
public record KernelVersion(String idea, Suits suits) {}
