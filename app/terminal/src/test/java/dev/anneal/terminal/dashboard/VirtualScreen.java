package dev.anneal.terminal.dashboard;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.googlecode.lanterna.TerminalSize;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.screen.CellTerminal;
import dev.anneal.terminal.screen.FramePainter;
import dev.anneal.terminal.text.Cells;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * A screen in memory, drawn by the code that draws the real one, with somebody who presses keys one
 * by one, looks at the frame after each, and leaves after the last.
 */
public final class VirtualScreen implements ScreenPort {
  private final CellTerminal terminal;
  private final FramePainter painter;
  private final Deque<Key> keys = new ArrayDeque<>();
  private Runnable onInterrupt = () -> {};

  public VirtualScreen(int columns, int rows) {
    terminal = new CellTerminal(columns, rows, Cells::clusterWidth);
    painter = new FramePainter(terminal);
  }

  /**
   * Runs a loop that is shown these keys.
   *
   * @param script characters, and {@code <Enter>}, {@code <Left>}, {@code <^C>} for other keys
   * @return what is on the screen before the user leaves
   */
  public String run(DashboardLoop loop, String script) {
    keys.addAll(parse(script));
    loop.run(this);
    loop.close();
    return text();
  }

  static List<Key> parse(String script) {
    Deque<Key> keys = new ArrayDeque<>();
    int at = 0;
    while (at < script.length()) {
      int end = script.indexOf('>', at);
      if (script.charAt(at) == '<' && end > at + 1) {
        keys.add(named(script.substring(at + 1, end)));
        at = end + 1;
      } else {
        keys.add(Key.of(script.charAt(at++)));
      }
    }
    return List.copyOf(keys);
  }

  private static Key named(String name) {
    if (name.startsWith("^")) {
      return new Key(Key.Kind.CHARACTER, Character.toLowerCase(name.charAt(1)), true);
    }
    return Arrays.stream(Key.Kind.values())
        .filter(kind -> kind.name().replace("_", "").equalsIgnoreCase(name))
        .findFirst()
        .map(Key::of)
        .orElseThrow(() -> new IllegalArgumentException("no key " + name));
  }

  /** The lines of the terminal, without trailing blanks. */
  String text() {
    return terminal.text();
  }

  void resize(int columns, int rows) {
    terminal.resize(columns, rows);
  }

  void interrupt() {
    onInterrupt.run();
  }

  @Override
  public Size size() {
    TerminalSize size = terminal.getTerminalSize();
    return new Size(size.getColumns(), size.getRows());
  }

  @Override
  public Optional<Key> read(long milliseconds) {
    // What is typed ahead waits until the frame is drawn.
    return milliseconds == 0
        ? Optional.empty()
        : Optional.of(keys.isEmpty() ? Key.of(Key.Kind.GONE) : keys.poll());
  }

  @Override
  public void draw(Frame frame) {
    try {
      painter.paint(frame);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertEquals(frame.text(), text(), "the terminal shows what the frame says");
  }

  @Override
  public void redraw() {
    painter.forget();
  }

  @Override
  public boolean suspend() {
    return false;
  }

  @Override
  public void onInterrupt(Runnable action) {
    onInterrupt = action;
  }
}
