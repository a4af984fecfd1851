package dev.anneal.cpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads that run the same code together, the caller being member 0. Members meet
 * at {@link #barrier}: they spin, since the next phase of a step is microseconds away, and park
 * when it is not.
 */
final class Team implements AutoCloseable {
  /** About 20 microseconds: longer than a small op takes, shorter than a scheduler's slice. */
  private static final int SPINS = 2000;

  private static final VarHandle ARRIVED;
  private static final VarHandle GENERATION;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      ARRIVED = lookup.findVarHandle(Team.class, "arrived", int.class);
      GENERATION = lookup.findVarHandle(Team.class, "generation", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** What every member does in one {@link #run}. */
  @FunctionalInterface
  interface Work {
    void run(int member);
  }

  private final int size;
  private final Thread[] threads;
  private final boolean[] parked;
  private final List<Thread> workers = new ArrayList<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile Work work = member -> {};
  private volatile boolean closed;

  /** Whether a run is under way: read only by who holds this object, as its caller does. */
  private boolean running;

  @SuppressWarnings("unused") // through ARRIVED
  private volatile int arrived;

  @SuppressWarnings("unused") // through GENERATION
  private volatile int generation;

  private static final VarHandle PARKED = MethodHandles.arrayElementVarHandle(boolean[].class);

  Team(int size) {
    this.size = size;
    this.threads = new Thread[size];
    this.parked = new boolean[size];
    for (int i = 1; i < size; i++) {
      int member = i;
      Thread thread =
          Thread.ofPlatform().daemon().name("anneal-cpu-" + i).unstarted(() -> serve(member));
      threads[i] = thread;
      workers.add(thread);
    }
    workers.forEach(Thread::start);
  }

  int size() {
    return size;
  }

  /**
   * Runs {@code work} on every member and returns when all are done; one run at a time.
   *
   * @throws IllegalStateException when a member threw something, whose cause that is, when the team
   *     was closed, and within a run, which would wait for itself
   * @throws VirtualMachineError that a member threw
   */
  void run(Work work) {
    refuseMembers();
    runAlone(work);
  }

  private synchronized void runAlone(Work work) {
    refuseWithinARun();
    if (closed) {
      throw new IllegalStateException("this team was closed");
    }
    threads[0] = Thread.currentThread();
    this.work = work;
    running = true;
    barrier(0);
    perform(0);
    barrier(0);
    running = false;
    Throwable thrown = failure.getAndSet(null);
    if (thrown instanceof VirtualMachineError exhausted) {
      throw exhausted;
    }
    if (thrown != null) {
      throw new IllegalStateException("a task failed: " + thrown, thrown);
    }
  }

  /** The caller holds this object and would enter again, any other member would wait for it. */
  private void refuseMembers() {
    if (workers.contains(Thread.currentThread())) {
      throw new IllegalStateException("a member of this team, within a run");
    }
  }

  private void refuseWithinARun() {
    if (running) {
      throw new IllegalStateException("the caller of this team, within a run");
    }
  }

  private void serve(int member) {
    while (true) {
      barrier(member);
      if (closed) {
        return;
      }
      perform(member);
      barrier(member);
    }
  }

  private void perform(int member) {
    try {
      work.run(member);
    } catch (Throwable t) {
      failure.compareAndSet(null, t);
    }
  }

  /** Notes that a task failed; {@link #run} throws it when all members are done. */
  void failed(Throwable thrown) {
    failure.compareAndSet(null, thrown);
  }

  /** Whether a task of this run has failed. */
  boolean hasFailed() {
    return failure.get() != null;
  }

  /** Returns when all members have called this; what they wrote before is visible after. */
  void barrier(int member) {
    int now = generation;
    if ((int) ARRIVED.getAndAdd(this, 1) == size - 1) {
      arrived = 0;
      generation = now + 1;
      for (int i = 0; i < size; i++) {
        if (i != member && (boolean) PARKED.getVolatile(parked, i)) {
          LockSupport.unpark(threads[i]);
        }
      }
      return;
    }
    for (int i = 0; i < SPINS; i++) {
      if ((int) GENERATION.getAcquire(this) != now) {
        return;
      }
      Thread.onSpinWait();
    }
    PARKED.setVolatile(parked, member, true);
    while (generation == now) {
      LockSupport.park(this);
    }
    PARKED.setVolatile(parked, member, false);
  }

  @Override
  public void close() {
    refuseMembers();
    closeAlone();
  }

  private synchronized void closeAlone() {
    refuseWithinARun();
    if (closed) {
      return;
    }
    threads[0] = Thread.currentThread();
    closed = true;
    barrier(0);
    for (Thread thread : workers) {
      joinUninterruptibly(thread);
    }
  }

  private static void joinUninterruptibly(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
