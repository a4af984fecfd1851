package dev.anneal.terminal.screen;

import java.util.Optional;
import org.jline.nativ.CLibrary;

/**
 * A terminal's settings, bit for bit. JLine puts back only what it has a name for, which leaves a
 * terminal with a speed of 0.
 */
final class TerminalSettings {
  private static final int STANDARD_INPUT = 0;

  private final CLibrary.Termios saved;

  private TerminalSettings(CLibrary.Termios saved) {
    this.saved = saved;
  }

  /** As they are now; empty where JLine's native library is not what opened the terminal. */
  static Optional<TerminalSettings> now() {
    try {
      CLibrary.Termios settings = new CLibrary.Termios();
      return CLibrary.tcgetattr(STANDARD_INPUT, settings) == 0
          ? Optional.of(new TerminalSettings(settings))
          : Optional.empty();
    } catch (LinkageError e) {
      return Optional.empty();
    }
  }

  /** Once what was written is shown. */
  void restore() {
    CLibrary.tcsetattr(STANDARD_INPUT, CLibrary.TCSADRAIN, saved);
  }
}
