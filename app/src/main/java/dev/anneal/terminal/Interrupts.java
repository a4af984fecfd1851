package dev.anneal.terminal;

import static java.util.Objects.requireNonNull;

import dev.anneal.failure.ExitCode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Ctrl-C and SIGTERM while a command runs: the first asks it to stop cleanly, the second ends the
 * process at once.
 */
final class Interrupts implements AutoCloseable {
  private final Map<Signal, SignalHandler> before = new LinkedHashMap<>();
  private final AtomicReference<Optional<ExitCode>> received =
      new AtomicReference<>(Optional.empty());

  private Interrupts() {}

  static Interrupts handle(Runnable stop) {
    Interrupts interrupts = new Interrupts();
    interrupts.install("INT", ExitCode.INTERRUPTED, stop);
    interrupts.install("TERM", ExitCode.TERMINATED, stop);
    return interrupts;
  }

  private void install(String name, ExitCode code, Runnable stop) {
    Signal signal = new Signal(name);
    before.put(
        signal,
        Signal.handle(
            signal,
            s -> {
              if (received.getAndSet(Optional.of(code)).isPresent()) {
                Runtime.getRuntime().halt(code.code());
              }
              stop.run();
            }));
  }

  /** The exit code of the signal that came, when one did. */
  Optional<ExitCode> exitCode() {
    return requireNonNull(received.get());
  }

  @Override
  public void close() {
    before.forEach(Signal::handle);
  }
}
