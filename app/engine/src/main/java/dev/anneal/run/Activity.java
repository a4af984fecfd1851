package dev.anneal.run;

/**
 * What somebody is waiting for.
 *
 * @param what such as {@code evaluating}
 * @param since when, of {@link System#nanoTime}
 */
public record Activity(String what, long since) {

  /** One that begins now. */
  public static Activity of(String what) {
    return new Activity(what, System.nanoTime());
  }

  /** How long it takes by now. */
  public double seconds() {
    return (System.nanoTime() - since) / 1e9;
  }
}
