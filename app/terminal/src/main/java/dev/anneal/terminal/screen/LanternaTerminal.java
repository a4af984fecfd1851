package dev.anneal.terminal.screen;

import com.googlecode.lanterna.TerminalSize;
import com.googlecode.lanterna.TextColor;
import com.googlecode.lanterna.input.BasicCharacterPattern;
import com.googlecode.lanterna.input.InputDecoder;
import com.googlecode.lanterna.input.KeyStroke;
import com.googlecode.lanterna.input.KeyType;
import com.googlecode.lanterna.terminal.ansi.ANSITerminal;
import dev.anneal.terminal.frame.Palette;
import dev.anneal.terminal.text.Look.Colors;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import org.jline.terminal.Attributes;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.utils.NonBlockingReader;

/**
 * Lanterna's terminal over JLine's: the size, the keys and the settings are JLine's, Lanterna only
 * decodes keys and writes cells. Entering takes raw mode with signals on, leaving gives back what
 * was there, however often it is called.
 */
final class LanternaTerminal extends ANSITerminal {
  private static final int ESCAPE_MILLIS = 60;
  private static final String BEGIN_UPDATE = "\033[?2026h";
  private static final String END_UPDATE = "\033[?2026l";
  private static final String WRAP_OFF = "\033[?7l";
  private static final String WRAP_ON = "\033[?7h";

  private final Terminal terminal;
  private final Colors colors;
  private final KeyReader keys;
  private final InputDecoder decoder;
  private Attributes saved;
  private boolean inside;

  LanternaTerminal(Terminal terminal, Colors colors) {
    super(InputStream.nullInputStream(), terminal.output(), StandardCharsets.UTF_8);
    this.terminal = terminal;
    this.colors = colors;
    this.saved = terminal.getAttributes();
    this.keys = new KeyReader(terminal.reader());
    this.decoder = new InputDecoder(keys);
    decoder.addProfile(getDefaultKeyDecodingProfile());
    // In raw mode Enter sends a carriage return.
    decoder.addProfile(
        () -> java.util.List.of(new BasicCharacterPattern(new KeyStroke(KeyType.Enter), '\r')));
  }

  /** One character at a time, so that what is typed ahead stays for the prompt. */
  private static final class KeyReader extends Reader {
    private final NonBlockingReader reader;
    private long wait;

    KeyReader(NonBlockingReader reader) {
      this.reader = reader;
    }

    void waitUpTo(long milliseconds) {
      wait = milliseconds;
    }

    @Override
    public boolean ready() throws IOException {
      return peek(wait) != NonBlockingReader.READ_EXPIRED;
    }

    /** The decoder's first look waits for a key; the next ones only for the rest of a sequence. */
    private int peek(long milliseconds) throws IOException {
      int next = milliseconds <= 0 ? reader.peek(1) : reader.peek(milliseconds);
      wait = ESCAPE_MILLIS;
      return next;
    }

    @Override
    public int read(char[] into, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      int next = reader.read(ESCAPE_MILLIS);
      if (next < 0) {
        return next == NonBlockingReader.EOF ? -1 : 0;
      }
      into[offset] = (char) next;
      return 1;
    }

    @Override
    public void close() {}
  }

  @Override
  protected TerminalSize findTerminalSize() {
    Size size = terminal.getSize();
    return new TerminalSize(Math.max(1, size.getColumns()), Math.max(1, size.getRows()));
  }

  @Override
  public void enterPrivateMode() throws IOException {
    if (inside) {
      return;
    }
    terminal.writer().flush();
    saved = terminal.enterRawMode();
    enterPrivateModeAgain();
    inside = true;
  }

  /** The same where only the terminal has forgotten it. */
  void enterPrivateModeAgain() throws IOException {
    terminal.enterRawMode();
    Attributes raw = terminal.getAttributes();
    raw.setLocalFlag(Attributes.LocalFlag.ISIG, true);
    // Ctrl-Z and Ctrl-\ are keys here: the terminal is given back before the program stops.
    raw.setControlChar(Attributes.ControlChar.VSUSP, 0);
    raw.setControlChar(Attributes.ControlChar.VQUIT, 0);
    terminal.setAttributes(raw);
    super.enterPrivateMode();
    send(WRAP_OFF);
  }

  @Override
  public void exitPrivateMode() throws IOException {
    if (!inside) {
      return;
    }
    inside = false;
    try {
      send(END_UPDATE + WRAP_ON);
      super.exitPrivateMode();
      flush();
    } finally {
      terminal.setAttributes(saved);
    }
  }

  void beginUpdate() throws IOException {
    send(BEGIN_UPDATE);
  }

  void endUpdate() throws IOException {
    send(END_UPDATE);
    flush();
  }

  private void send(String sequence) throws IOException {
    writeToTerminal(sequence.getBytes(StandardCharsets.US_ASCII));
  }

  /** A key that comes within {@code milliseconds}. */
  java.util.Optional<KeyStroke> read(long milliseconds) throws IOException {
    keys.waitUpTo(milliseconds);
    return java.util.Optional.ofNullable(decoder.getNextCharacter(false));
  }

  /** Lanterna's own encodes one {@code char} at a time, which breaks what is no braille. */
  @Override
  public void putString(String text) throws IOException {
    writeToTerminal(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void setForegroundColor(TextColor color) throws IOException {
    if (color instanceof TextColor.RGB rgb) {
      int value = rgb.getRed() << 16 | rgb.getGreen() << 8 | rgb.getBlue();
      switch (colors) {
        case TRUE -> super.setForegroundColor(rgb);
        case INDEXED -> send("\033[38;5;" + Palette.indexed(value) + "m");
        case SIXTEEN -> {
          int c = Palette.ansi(value);
          send("\033[" + (c < 8 ? 30 + c : 82 + c) + "m");
        }
        case NONE -> {}
      }
    } else if (colors != Colors.NONE) {
      super.setForegroundColor(color);
    }
  }

  @Override
  public void setBackgroundColor(TextColor color) throws IOException {
    if (colors != Colors.NONE) {
      super.setBackgroundColor(color);
    }
  }
}
