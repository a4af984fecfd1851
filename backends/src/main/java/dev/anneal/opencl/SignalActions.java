package dev.anneal.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * What this process does about each signal, put back when a driver's compiler changes it. LLVM, in
 * PoCL and others, takes SIGSEGV and the signals that end a program for itself when it first writes
 * a file, and deletes what it is writing when one comes. The JVM uses SIGSEGV to stop threads for a
 * collection and to find nulls, many times a second. Once that is put back, LLVM believes that it
 * still has it, and leaves it alone.
 */
final class SignalActions {
  private static final int SIGSEGV = 11;
  private static final int SIGNALS = 31;

  /** More than a {@code struct sigaction} has anywhere; the handler is its first field. */
  private static final long STRUCT_BYTES = 256;

  /** Between two looks: short beside the time between two faults. */
  private static final long LOOK_NANOS = 50_000;

  private static final Optional<MethodHandle> SIGACTION =
      Linker.nativeLinker()
          .defaultLookup()
          .find("sigaction")
          .map(
              address ->
                  Linker.nativeLinker()
                      .downcallHandle(
                          address, FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS)));

  private final MemorySegment kept;
  private final MemorySegment now;
  private volatile boolean done;

  private SignalActions(Arena arena) {
    kept = arena.allocate(SIGNALS * STRUCT_BYTES, 16);
    now = arena.allocate(STRUCT_BYTES, 16);
    for (int signal = 1; signal <= SIGNALS; signal++) {
      call(signal, MemorySegment.NULL, kept(signal));
    }
  }

  /** Does {@code action}; signals stay as they are, also while it goes on. */
  static synchronized void keptDuring(Runnable action) {
    if (SIGACTION.isEmpty()) {
      action.run();
      return;
    }
    try (Arena arena = Arena.ofShared()) {
      SignalActions actions = new SignalActions(arena);
      Thread watch = Thread.ofPlatform().daemon().name("anneal-signals").start(actions::watch);
      try {
        action.run();
      } finally {
        actions.done = true;
        join(watch);
        actions.putBack();
      }
    }
  }

  private void watch() {
    while (!done) {
      call(SIGSEGV, MemorySegment.NULL, now);
      if (now.get(JAVA_LONG, 0) != kept(SIGSEGV).get(JAVA_LONG, 0)) {
        putBack();
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  private void putBack() {
    for (int signal = 1; signal <= SIGNALS; signal++) {
      call(signal, kept(signal), MemorySegment.NULL);
    }
  }

  private MemorySegment kept(int signal) {
    return kept.asSlice((signal - 1) * STRUCT_BYTES, STRUCT_BYTES);
  }

  /** Waits for as long as it takes, which is a look's time. */
  private static void join(Thread thread) {
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** SIGKILL and SIGSTOP cannot be changed, which is no failure. */
  private static void call(int signal, MemorySegment to, MemorySegment before) {
    try {
      int code = (int) SIGACTION.orElseThrow().invokeExact(signal, to, before);
      assert code == 0 || code == -1;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
