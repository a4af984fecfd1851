package dev.anneal.terminal.screen;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.TerminalType;
import java.io.IOException;
import java.nio.charset.Charset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.terminal.impl.DumbTerminal;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.ShutdownHooks;
import org.jline.utils.Signals;

/**
 * The terminal that the process runs on: JLine owns its settings, its signals and the only reader
 * of its keys; the full screen is drawn through {@link FullScreen}.
 */
public final class Tty implements AutoCloseable {
  private static final long LEAVE_MILLIS = 300;

  private final Terminal terminal;
  private final Look look;
  private final Optional<TerminalSettings> settings = TerminalSettings.now();
  private final ShutdownHooks.Task close;
  private final ShutdownHooks.Task restore;
  private final Thread last = new Thread(this::restoreLast, "terminal");
  private final CountDownLatch left = new CountDownLatch(1);
  private final CountDownLatch closedByHooks = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile boolean closing;
  private volatile Optional<FullScreen> screen = Optional.empty();

  private Tty(Terminal terminal, Look look, ShutdownHooks.Task close) {
    this.terminal = terminal;
    this.look = look;
    this.close = close;
    this.restore =
        ShutdownHooks.add(
            () -> {
              restore();
              closedByHooks.countDown();
            });
    Runtime.getRuntime().addShutdownHook(last);
  }

  /** Opens the terminal; standard input and output must be one. */
  public static Tty open(Charset charset) {
    AtomicReference<Optional<Tty>> opened = new AtomicReference<>(Optional.empty());
    // However the program ends, these run in order, and between them JLine's own.
    ShutdownHooks.Task close =
        ShutdownHooks.add(() -> requireNonNull(opened.get()).ifPresent(Tty::closeFromOutside));
    try {
      Terminal terminal = build(charset);
      Integer colors = terminal.getNumericCapability(Capability.max_colors);
      Look look = Look.of(System.getenv(), charset, colors == null ? 0 : colors);
      if (terminal instanceof DumbTerminal) {
        // It handles no signals by itself, and Ctrl-C would end the process.
        Signals.register(Terminal.Signal.INT.name(), () -> terminal.raise(Terminal.Signal.INT));
      }
      Tty tty = new Tty(terminal, look, close);
      opened.set(Optional.of(tty));
      return tty;
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, "the terminal cannot be opened: " + e.getMessage(), e);
    }
  }

  /** The native provider starts the fastest; the others are for machines that it does not know. */
  private static Terminal build(Charset charset) throws IOException {
    String type = TerminalType.of(System.getenv());
    Capabilities.load(type);
    for (String provider : List.of("jni", "ffm", "exec")) {
      try {
        return builder(charset, type).provider(provider).dumb(false).build();
      } catch (IOException | IllegalStateException e) {
        // The next one.
      }
    }
    return builder(charset, type).dumb(true).build();
  }

  private static TerminalBuilder builder(Charset charset, String type) {
    return TerminalBuilder.builder()
        .system(true)
        .type(type)
        .encoding(charset)
        // What is typed in the locale C may be a path beyond ASCII.
        .stdinEncoding(charset.equals(US_ASCII) ? UTF_8 : charset)
        .nativeSignals(true);
  }

  public Terminal terminal() {
    return terminal;
  }

  public Look look() {
    return look;
  }

  /** Whether the terminal that the environment names can address cells. */
  public static boolean hasScreen(Map<String, String> environment) {
    return !TerminalType.isDumb(environment);
  }

  /** Runs the dashboard on the whole screen and puts the terminal back, however it ends. */
  public void show(DashboardLoop loop) {
    try (FullScreen open = FullScreen.open(terminal, look)) {
      screen = Optional.of(open);
      loop.run(open);
    } finally {
      screen = Optional.empty();
    }
  }

  /** Puts the terminal back as it was found. */
  @Override
  public void close() {
    closing = true;
    left.countDown();
    closeTerminal();
    restore();
    closed.countDown();
    closedByHooks.countDown();
    ShutdownHooks.remove(close);
    ShutdownHooks.remove(restore);
    try {
      Runtime.getRuntime().removeShutdownHook(last);
    } catch (IllegalStateException e) {
      // It runs already.
    }
  }

  private void restore() {
    settings.ifPresent(TerminalSettings::restore);
  }

  /**
   * The program ends while {@link #close} waits for JLine, whose hooks hold a lock, to put the
   * terminal back in its way: only after that the settings are what they were.
   */
  private void restoreLast() {
    try {
      // JLine's hooks wait for as long as that themselves.
      closedByHooks.await(2 * LEAVE_MILLIS, TimeUnit.MILLISECONDS);
      if (closing) {
        closed.await(LEAVE_MILLIS, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    restore();
  }

  /** The program ends; whoever reads a line puts the terminal back in JLine's way first. */
  private void closeFromOutside() {
    closeTerminal();
    try {
      if (!left.await(LEAVE_MILLIS, TimeUnit.MILLISECONDS)) {
        // A command that reads nothing is not waited for.
        left.countDown();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeTerminal() {
    screen.ifPresent(FullScreen::close);
    try {
      terminal.close();
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, "the terminal cannot be closed: " + e.getMessage(), e);
    }
  }
}
