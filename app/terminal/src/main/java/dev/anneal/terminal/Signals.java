package dev.anneal.terminal;

import dev.anneal.failure.ExitCode;
import dev.anneal.run.LiveRun;
import dev.anneal.terminal.shell.Shell;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import sun.misc.Signal;

/**
 * What ends the process from outside. The first signal lets a live run finish its step and save;
 * the second ends the process at once.
 */
final class Signals {
  private static final long LEAVE_MILLIS = 3000;

  private final AtomicReference<Optional<ExitCode>> received =
      new AtomicReference<>(Optional.empty());
  private final AtomicInteger count = new AtomicInteger();
  private final Thread main = Thread.currentThread();
  private final Shell shell;

  private Signals(Shell shell) {
    this.shell = shell;
  }

  /** For a command or a script: Ctrl-C ends it, too. */
  static Signals handle(Shell shell) {
    Signals signals = new Signals(shell);
    signals.install("INT", ExitCode.INTERRUPTED, signals::stop);
    signals.install("TERM", ExitCode.TERMINATED, signals::stop);
    signals.install("HUP", ExitCode.HUNG_UP, signals::stop);
    return signals;
  }

  /** For a prompt, whose terminal sees to Ctrl-C itself. */
  static void handleAtPrompt(Shell shell) {
    Signals signals = new Signals(shell);
    signals.install("TERM", ExitCode.TERMINATED, signals::saveAndExit);
    signals.install("HUP", ExitCode.HUNG_UP, signals::saveAndExit);
  }

  private interface Reaction {
    void to(ExitCode code);
  }

  private void install(String name, ExitCode code, Reaction first) {
    Signal.handle(
        new Signal(name),
        signal -> {
          received.set(Optional.of(code));
          switch (count.incrementAndGet()) {
            case 1 -> first.to(code);
            case 2 -> Thread.ofPlatform().start(() -> Runtime.getRuntime().exit(code.code()));
            default -> Runtime.getRuntime().halt(code.code());
          }
        });
  }

  private void stop(ExitCode code) {
    // A script reads no more, and the command in progress ends.
    shell.quit();
    shell.cancel();
    Optional<LiveRun> live = shell.live();
    live.ifPresent(run -> run.session().stop());
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              if (live.isPresent()) {
                live.get().session().await();
                // Who follows the run says how it ended, and whoever waits for the next line of a
                // script leaves. A command that cannot be cancelled is not waited for.
                endsByItself();
                shell.close();
              }
              Runtime.getRuntime().exit(code.code());
            });
  }

  private void endsByItself() {
    try {
      main.join(LEAVE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void saveAndExit(ExitCode code) {
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                shell.quit();
                shell.close();
              } finally {
                // Its hooks put the terminal back.
                Runtime.getRuntime().exit(code.code());
              }
            });
  }

  /** The exit code of the last signal that came, when one did. */
  Optional<ExitCode> exitCode() {
    return java.util.Objects.requireNonNull(received.get());
  }
}
