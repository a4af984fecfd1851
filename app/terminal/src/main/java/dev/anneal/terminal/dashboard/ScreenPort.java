package dev.anneal.terminal.dashboard;

import dev.anneal.terminal.frame.Frame;
import java.util.Optional;

/** A screen with a keyboard. */
public interface ScreenPort {

  /** Columns and rows, now. */
  record Size(int columns, int rows) {}

  Size size();

  /** The next key, when one comes within {@code milliseconds}. */
  Optional<Key> read(long milliseconds);

  /** Shows a frame; only cells that changed are sent. */
  void draw(Frame frame);

  /** Sends every cell with the next frame. */
  void redraw();

  /**
   * Gives the terminal back, stops the process, and takes the terminal again when it goes on.
   *
   * @return whether it was stopped: nothing is without a shell that could let it go on
   */
  boolean suspend();

  /** Runs {@code action} on Ctrl-C, on whatever thread, also while the loop is busy. */
  void onInterrupt(Runnable action);
}
