package dev.anneal.cpu;

import java.util.List;

/**
 * How the CPU executes one op: phases in order, each of independent tasks that the team shares out.
 * What a task computes depends on its number alone, never on who runs it, so that the bits do not
 * depend on the number of threads.
 *
 * @param threadScratch bytes that each worker needs for itself while it runs a task
 * @param sharedScratch bytes that the phases of this kernel hand from one to the next
 */
record Kernel(List<Phase> phases, long threadScratch, long sharedScratch) {
  Kernel {
    phases = List.copyOf(phases);
  }

  static Kernel of(int tasks, Task task) {
    return new Kernel(List.of(new Phase(tasks, task)), 0, 0);
  }

  /** All of its tasks may run at once; the next phase starts when all are done. */
  record Phase(int tasks, Task task) {}

  @FunctionalInterface
  interface Task {
    void run(int task, Worker worker);
  }

  /** Who runs a task: the addresses of its scratch memory, both aligned to 64 bytes. */
  interface Worker {
    long threadScratch();

    long sharedScratch();
  }

  /** Where a tensor lies while the program runs. */
  @FunctionalInterface
  interface Addresses {
    long of(dev.anneal.plan.Tensor tensor);
  }
}
