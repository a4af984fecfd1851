package dev.anneal.device;

import dev.anneal.plan.Plan;

/** A plan compiled by one device. */
public interface Program extends AutoCloseable {

  Plan plan();

  /** Runs every op once, in order, and returns when all results can be read. */
  void run();

  /**
   * The same; returns the nanoseconds that it took, by the device's own clock where it has one:
   * what a host adds to a short run says nothing about the device.
   */
  default double runTimed() {
    long begin = System.nanoTime();
    run();
    return System.nanoTime() - begin;
  }

  /**
   * As {@link #run}, after all that was enqueued; may return before it is done. What goes wrong is
   * said here or by {@link Device#finish}, at the latest.
   */
  default void enqueue() {
    run();
  }

  /**
   * Whether the last run, which failed, may have changed parameters or what the optimizer keeps; a
   * device that cannot know says so.
   */
  default boolean mayHaveUpdated() {
    return true;
  }

  /**
   * Asks for {@link #timings} of the runs from now on, on a device where taking times costs some;
   * the others have them anyway.
   */
  default void keepTimings() {}

  /**
   * Time per op, over all runs since the last {@link #resetTimings}. Those that are enqueued and
   * not over are taken to be like the ones before. Zeros where times cost some and nobody asked for
   * them before.
   */
  OpTimings timings();

  void resetTimings();

  @Override
  void close();
}
