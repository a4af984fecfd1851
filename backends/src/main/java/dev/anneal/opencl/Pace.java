package dev.anneal.opencl;

import dev.anneal.launch.Work;

/**
 * How fast a device is at least, from which follows how long a launch may take: a GPU that also
 * draws a screen, or whose driver watches it, ends a program whose launch takes seconds. A launch
 * that may take longer than {@code most} is given to the device in parts. The estimate is low on
 * purpose: parts of tens of milliseconds cost nothing.
 *
 * @param flops per second
 * @param bytes per second
 * @param most seconds that one launch may take
 */
record Pace(double flops, double bytes, double most) {
  /** Of what nobody watches, as CPUs. */
  static final Pace UNWATCHED = new Pace(1, 1, Double.POSITIVE_INFINITY);

  private static final double SECONDS = 0.25;

  /** Half of what the slowest GPUs of phones do, whatever they say of themselves. */
  private static final double SLOWEST = 5e9;

  /** One multiplication and addition per unit and cycle, where peaks are 8 to 256. */
  static Pace of(DeviceLimits limits) {
    return limits.vectors()
        ? UNWATCHED
        : new Pace(
            Math.max(SLOWEST, 2e6 * limits.computeUnits() * limits.megahertz()), SLOWEST, SECONDS);
  }

  /** Seconds that {@code work} takes at most. */
  double seconds(Work work) {
    return work.flops() / flops + work.bytes() / bytes;
  }

  /** How many parts a launch of {@code seconds} is given in. */
  long parts(double seconds) {
    return Math.max(1, (long) Math.ceil(seconds / most));
  }
}
