package dev.anneal.run.log;

/**
 * How fast a run goes, since it last began to go: by a start, a resumption, a change of device or a
 * way back. The first step after that is left out, since it compiles kernels and warms caches.
 * Pauses do not count, since only what the run does is added up.
 *
 * @param steps that were timed
 * @param stepSeconds that these took
 * @param otherSeconds that evaluations, checkpoints and the run's own samples took beside them
 * @param first whether no step was made yet
 */
record Pace(int steps, double stepSeconds, double otherSeconds, boolean first) {
  static final Pace NONE = new Pace(0, 0, 0, true);

  /** Steps and seconds before which nothing is foretold. */
  private static final int LEAST_STEPS = 3;

  private static final double LEAST_SECONDS = 5;

  Pace step(double seconds) {
    return first
        ? new Pace(0, 0, 0, false)
        : new Pace(steps + 1, stepSeconds + seconds, otherSeconds, false);
  }

  /** What is done once at a start says nothing of how often it will be done. */
  Pace other(double seconds) {
    return first ? this : new Pace(steps, stepSeconds, otherSeconds + seconds, false);
  }

  boolean isKnown() {
    return steps >= LEAST_STEPS && stepSeconds + otherSeconds >= LEAST_SECONDS;
  }

  /** Seconds between two steps for what is no step. */
  double otherPerStep() {
    return otherSeconds / steps;
  }
}
