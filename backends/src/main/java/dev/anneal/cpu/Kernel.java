package dev.anneal.cpu;

import java.util.List;

/**
 * How the CPU executes one op: phases in order, each of independent tasks that the team shares out.
 * What a task computes depends on its number alone, never on who runs it, so that the bits do not
 * depend on the number of threads.
 */
record Kernel(List<Phase> phases, Scratch scratch) {
  Kernel {
    phases = List.copyOf(phases);
  }

  static Kernel of(int tasks, Task task) {
    return new Kernel(List.of(new Phase(tasks, task)), Scratch.NONE);
  }

  /**
   * The room a kernel needs while it runs, in native memory and, for what {@link Tile} multiplies,
   * in Java arrays.
   *
   * @param threadBytes for each worker's own task
   * @param sharedBytes handed from phase to phase
   */
  record Scratch(long threadBytes, long sharedBytes, int threadFloats, int sharedFloats) {
    static final Scratch NONE = new Scratch(0, 0, 0, 0);

    Scratch max(Scratch other) {
      return new Scratch(
          Math.max(threadBytes, other.threadBytes),
          Math.max(sharedBytes, other.sharedBytes),
          Math.max(threadFloats, other.threadFloats),
          Math.max(sharedFloats, other.sharedFloats));
    }

    /** For a team of {@code threads}. */
    long bytes(int threads) {
      return sharedBytes + 4L * sharedFloats + threads * (threadBytes + 4L * threadFloats);
    }
  }

  /** All of its tasks may run at once; the next phase starts when all are done. */
  record Phase(int tasks, Task task) {}

  @FunctionalInterface
  interface Task {
    void run(int task, Worker worker);
  }

  /**
   * Who runs a task, and its scratch memory.
   *
   * @param threadScratch an address, aligned to 64 bytes
   * @param sharedScratch an address, aligned to 64 bytes, the same for all workers
   * @param tile room for one {@link Tile}
   */
  record Worker(
      long threadScratch,
      long sharedScratch,
      float[] threadFloats,
      float[] sharedFloats,
      float[] tile) {}

  /** Where a tensor lies while the program runs. */
  @FunctionalInterface
  interface Addresses {
    long of(dev.anneal.plan.Tensor tensor);
  }
}
