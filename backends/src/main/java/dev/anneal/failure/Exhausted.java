package dev.anneal.failure;

import static dev.anneal.failure.Spelling.setting;

/** What the JVM could not have: words for its errors, which are no faults of a program. */
public final class Exhausted {
  private static final String MORE = "; ANNEAL_JAVA_OPTIONS=";

  private Exhausted() {}

  /** {@code error} as one line: what could not be had, the limit, and what to do. */
  public static Failure of(VirtualMachineError error) {
    return new Failure(ExitCode.FAILED, message(error), error);
  }

  private static String message(VirtualMachineError error) {
    String reason = String.valueOf(error.getMessage());
    if (error instanceof StackOverflowError) {
      return "the stack is full: something is nested too deeply" + MORE + "-Xss16m gives more";
    }
    if (!(error instanceof OutOfMemoryError)) {
      return "the JVM failed: " + error;
    }
    long heap = Runtime.getRuntime().maxMemory() >> 20;
    if (reason.contains("thread")) {
      return "the system gives no more threads or memory for them ("
          + reason
          + "); lower "
          + setting("threads");
    }
    if (reason.contains("Java heap") || reason.contains("GC overhead")) {
      return "out of memory: the JVM's heap of "
          + heap
          + " MiB is full"
          + MORE
          + "-Xmx"
          + Math.max(1, Math.ceilDiv(2 * heap, 1024))
          + "g gives more; or lower what was asked for, such as "
          + setting("batch")
          + " or "
          + setting("tokens");
    }
    if (reason.contains("array size")) {
      return "out of memory: something is larger than the 2 GiB that a Java array can have; lower"
          + " what was asked for";
    }
    return "out of memory: the system has no more ("
        + reason
        + "); lower "
        + setting("batch")
        + ", "
        + setting("seq")
        + " or the model's size, or end other programs";
  }
}
