package dev.anneal.terminal.screen;

import com.googlecode.lanterna.TerminalSize;
import com.googlecode.lanterna.input.KeyStroke;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.dashboard.Key;
import dev.anneal.terminal.dashboard.ScreenPort;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.text.Look;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jline.terminal.Terminal;

/**
 * The whole screen. While it is open, what libraries print on standard output and standard error is
 * kept, and printed when it is closed.
 */
final class FullScreen implements ScreenPort, AutoCloseable {
  private static final Key SUSPEND = new Key(Key.Kind.CHARACTER, 'z', true);

  private final Terminal terminal;
  private final LanternaTerminal lanterna;
  private final FramePainter painter;
  private final Terminal.SignalHandler interruptBefore;
  private final Terminal.SignalHandler resizeBefore;
  private final Terminal.SignalHandler stopBefore;
  private final Terminal.SignalHandler goOnBefore;
  private final PrintStream outBefore = System.out;
  private final PrintStream errBefore = System.err;
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private volatile Runnable onInterrupt = () -> {};
  private volatile boolean open = true;

  /** Somebody else asked to stop, or let the stopped process go on. */
  private volatile boolean stopAsked;

  private volatile boolean wentOn;

  private FullScreen(Terminal terminal, Look look) throws IOException {
    this.terminal = terminal;
    this.lanterna = new LanternaTerminal(terminal, look.colors());
    this.painter = new FramePainter(lanterna);
    interruptBefore = terminal.handle(Terminal.Signal.INT, signal -> onInterrupt.run());
    resizeBefore = terminal.handle(Terminal.Signal.WINCH, signal -> {});
    stopBefore = terminal.handle(Terminal.Signal.TSTP, signal -> stopAsked = true);
    goOnBefore = terminal.handle(Terminal.Signal.CONT, signal -> wentOn = true);
    PrintStream kept = new PrintStream(printed, true, StandardCharsets.UTF_8);
    System.setOut(kept);
    System.setErr(kept);
    lanterna.enterPrivateMode();
    lanterna.setCursorVisible(false);
  }

  static FullScreen open(Terminal terminal, Look look) {
    try {
      return new FullScreen(terminal, look);
    } catch (IOException e) {
      throw unusable(e);
    }
  }

  private static Failure unusable(IOException e) {
    return new Failure(ExitCode.FAILED, "the terminal is gone: " + e.getMessage(), e);
  }

  @Override
  public Size size() {
    TerminalSize size = lanterna.findTerminalSize();
    return new Size(size.getColumns(), size.getRows());
  }

  @Override
  public synchronized void draw(Frame frame) {
    if (!open) {
      // The program is ended from outside, and its screen is not there any more.
      return;
    }
    try {
      lanterna.beginUpdate();
      painter.paint(frame);
      lanterna.endUpdate();
    } catch (IOException e) {
      throw unusable(e);
    }
  }

  @Override
  public synchronized void redraw() {
    painter.forget();
  }

  @Override
  public Optional<Key> read(long milliseconds) {
    if (!open) {
      return Optional.of(Key.of(Key.Kind.GONE));
    }
    if (stopAsked) {
      stopAsked = false;
      return Optional.of(SUSPEND);
    }
    try {
      if (wentOn) {
        wentOn = false;
        enterAgain();
        return Optional.of(Key.of(Key.Kind.NONE));
      }
      return lanterna.read(milliseconds).map(FullScreen::key);
    } catch (IOException e) {
      throw unusable(e);
    }
  }

  @Override
  public synchronized boolean suspend() {
    if (!open) {
      return true;
    }
    try {
      lanterna.exitPrivateMode();
      boolean stopped = JobControl.stop(terminal);
      lanterna.enterPrivateMode();
      lanterna.setCursorVisible(false);
      painter.forget();
      return stopped;
    } catch (IOException e) {
      throw unusable(e);
    }
  }

  /** The process was stopped without being asked, and its shell has used the terminal since. */
  private synchronized void enterAgain() throws IOException {
    if (open) {
      lanterna.enterPrivateModeAgain();
      lanterna.setCursorVisible(false);
      painter.forget();
    }
  }

  private static Key key(KeyStroke stroke) {
    return switch (stroke.getKeyType()) {
      case Character -> new Key(Key.Kind.CHARACTER, stroke.getCharacter(), stroke.isCtrlDown());
      case Enter -> Key.of(Key.Kind.ENTER);
      case Escape -> Key.of(Key.Kind.ESCAPE);
      case Tab -> Key.of(Key.Kind.TAB);
      case ReverseTab -> Key.of(Key.Kind.BACK_TAB);
      case ArrowUp -> Key.of(Key.Kind.UP);
      case ArrowDown -> Key.of(Key.Kind.DOWN);
      case ArrowLeft -> Key.of(Key.Kind.LEFT);
      case ArrowRight -> Key.of(Key.Kind.RIGHT);
      case Home -> Key.of(Key.Kind.HOME);
      case End -> Key.of(Key.Kind.END);
      case PageUp -> Key.of(Key.Kind.PAGE_UP);
      case PageDown -> Key.of(Key.Kind.PAGE_DOWN);
      case Backspace -> Key.of(Key.Kind.BACKSPACE);
      case Delete -> Key.of(Key.Kind.DELETE);
      case F1 -> Key.of(Key.Kind.F1);
      case F10 -> Key.of(Key.Kind.F10);
      case EOF -> Key.of(Key.Kind.GONE);
      default -> Key.of(Key.Kind.OTHER);
    };
  }

  @Override
  public void onInterrupt(Runnable action) {
    onInterrupt = action;
  }

  /** Puts the terminal back; also when the program is ended from outside. */
  @Override
  public synchronized void close() {
    if (!open) {
      return;
    }
    open = false;
    try {
      lanterna.exitPrivateMode();
    } catch (IOException e) {
      // The terminal is gone, and there is nothing to put back.
    } finally {
      System.setOut(outBefore);
      System.setErr(errBefore);
      terminal.handle(Terminal.Signal.INT, interruptBefore);
      terminal.handle(Terminal.Signal.WINCH, resizeBefore);
      terminal.handle(Terminal.Signal.TSTP, stopBefore);
      terminal.handle(Terminal.Signal.CONT, goOnBefore);
      System.err.print(printed.toString(StandardCharsets.UTF_8));
    }
  }
}
