package dev.anneal.terminal.screen;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.Terminal.SignalHandler;

/** Stops this process as Ctrl-Z does, so that its shell has the terminal until {@code fg}. */
final class JobControl {
  /** Where no shell waits for it, the system passes the signal over. */
  private static final long STOPS_MILLIS = 1000;

  private JobControl() {}

  /**
   * Stops all threads, and those processes that were begun with this one. Returns when it goes on.
   *
   * @return whether it was stopped: without a shell that could let it go on, it is not
   */
  static boolean stop(Terminal terminal) {
    Optional<MethodHandle> kill = Kill.call();
    if (kill.isEmpty()) {
      return false;
    }
    CountDownLatch goesOn = new CountDownLatch(1);
    SignalHandler stopBefore = terminal.handle(Signal.TSTP, SignalHandler.SIG_DFL);
    SignalHandler goOnBefore = terminal.handle(Signal.CONT, signal -> goesOn.countDown());
    try {
      int failed = (int) kill.get().invokeExact(0, Kill.STOP);
      return failed == 0 && goesOn.await(STOPS_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (Throwable e) {
      throw new IllegalStateException("kill(0) failed", e);
    } finally {
      terminal.handle(Signal.TSTP, stopBefore);
      terminal.handle(Signal.CONT, goOnBefore);
    }
  }

  private static final class Kill {
    /** {@code SIGTSTP}. */
    static final int STOP =
        System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux") ? 20 : 18;

    static Optional<MethodHandle> call() {
      Linker linker = Linker.nativeLinker();
      return linker
          .defaultLookup()
          .find("kill")
          .map(
              address ->
                  linker.downcallHandle(
                      address,
                      FunctionDescriptor.of(
                          ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)));
    }
  }
}
