package dev.anneal.terminal.screen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.googlecode.lanterna.input.KeyStroke;
import com.googlecode.lanterna.input.KeyType;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Style;
import dev.anneal.terminal.text.Look.Colors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jline.terminal.Size;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The bytes that go to a terminal, and the keys that come from it. */
class LanternaTerminalTest {
  private static final long LONG_MILLIS = 10_000;
  private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
  private final PipedOutputStream typing = new PipedOutputStream();
  private ExternalTerminal terminal;

  @BeforeEach
  void open() throws IOException {
    terminal =
        new ExternalTerminal(
            "test", "xterm-256color", new PipedInputStream(typing), sent, StandardCharsets.UTF_8);
    terminal.setSize(new Size(40, 12));
  }

  @AfterEach
  void close() throws IOException {
    terminal.close();
  }

  /** What is sent for a frame with every style. */
  private String draw(Colors colors) throws IOException {
    LanternaTerminal lanterna = new LanternaTerminal(terminal, colors);
    lanterna.enterPrivateMode();
    Frame frame = new Frame(40, 12, false);
    for (int row = 0; row < 12; row++) {
      frame.region().put(0, row, "é µ ─ ⣿ █ " + row, Style.values()[row + 3]);
    }
    new FramePainter(lanterna).paint(frame);
    lanterna.exitPrivateMode();
    terminal.flush();
    return sent.toString(StandardCharsets.UTF_8);
  }

  private static List<String> colorCodes(String bytes) {
    Matcher matcher = Pattern.compile("\033\\[([0-9;]+)m").matcher(bytes);
    List<String> codes = new ArrayList<>();
    while (matcher.find()) {
      codes.add(matcher.group(1));
    }
    return codes;
  }

  @ParameterizedTest
  @EnumSource
  void everyDepthSendsItsOwnCodes(Colors colors) throws IOException {
    List<String> codes = colorCodes(draw(colors));
    boolean rgb = codes.stream().anyMatch(code -> code.contains("38;2;"));
    boolean indexed = codes.stream().anyMatch(code -> code.contains("38;5;"));
    boolean ansi = codes.stream().anyMatch(code -> code.matches("3[0-7]|9[0-7]"));
    assertEquals(colors == Colors.TRUE, rgb, codes.toString());
    assertEquals(colors == Colors.INDEXED, indexed, codes.toString());
    assertEquals(colors == Colors.SIXTEEN, ansi, codes.toString());
    assertTrue(codes.contains("1") && codes.contains("7"), "bold and reverse are no colours");
  }

  @Test
  void sendsUtf8AndNoStrayBytes() throws IOException {
    String bytes = draw(Colors.NONE);
    assertTrue(bytes.contains("é µ ─ ⣿ █ 0"), bytes);
    assertFalse(bytes.contains("\0"));
  }

  @Test
  void putsTheTerminalBackHoweverOftenItIsLeft() throws IOException {
    var before = terminal.getAttributes();
    LanternaTerminal lanterna = new LanternaTerminal(terminal, Colors.TRUE);
    lanterna.enterPrivateMode();
    lanterna.enterPrivateMode();
    assertFalse(before.toString().equals(terminal.getAttributes().toString()));
    lanterna.exitPrivateMode();
    lanterna.exitPrivateMode();
    terminal.flush();
    assertEquals(before.toString(), terminal.getAttributes().toString());
    String bytes = sent.toString(StandardCharsets.UTF_8);
    assertEquals(1, bytes.split(Pattern.quote("\033[?1049h"), -1).length - 1);
    assertEquals(1, bytes.split(Pattern.quote("\033[?1049l"), -1).length - 1);
    assertTrue(bytes.contains("\033[?7l") && bytes.contains("\033[?7h"), "wrapping off, then on");
    assertTrue(bytes.contains("\033[?25h"), "the cursor is shown again");
  }

  private void type(String keys) throws IOException {
    typing.write(keys.getBytes(StandardCharsets.UTF_8));
    typing.flush();
  }

  private static KeyStroke next(LanternaTerminal lanterna) throws IOException {
    Optional<KeyStroke> key = lanterna.read(LONG_MILLIS);
    return key.orElseThrow();
  }

  @Test
  void decodesKeysAndLeavesTypeAheadAlone() throws IOException {
    LanternaTerminal lanterna = new LanternaTerminal(terminal, Colors.NONE);
    lanterna.enterPrivateMode();
    type("a\r\té\033[A\033[6~\177\033OP\fqstatus\r");
    assertEquals('a', next(lanterna).getCharacter());
    assertEquals(KeyType.Enter, next(lanterna).getKeyType());
    assertEquals(KeyType.Tab, next(lanterna).getKeyType());
    assertEquals('é', next(lanterna).getCharacter());
    assertEquals(KeyType.ArrowUp, next(lanterna).getKeyType());
    assertEquals(KeyType.PageDown, next(lanterna).getKeyType());
    assertEquals(KeyType.Backspace, next(lanterna).getKeyType());
    assertEquals(KeyType.F1, next(lanterna).getKeyType());
    KeyStroke redraw = next(lanterna);
    assertTrue(redraw.isCtrlDown() && redraw.getCharacter() == 'l');
    assertEquals('q', next(lanterna).getCharacter());
    StringBuilder rest = new StringBuilder();
    for (int i = 0; i < "status".length(); i++) {
      rest.append((char) terminal.reader().read(LONG_MILLIS));
    }
    assertEquals("status", rest.toString());
  }

  @Test
  void anEscapeKeyAloneIsAKey() throws IOException {
    LanternaTerminal lanterna = new LanternaTerminal(terminal, Colors.NONE);
    type("\033");
    assertEquals(KeyType.Escape, next(lanterna).getKeyType());
    type("x");
    assertEquals('x', next(lanterna).getCharacter());
  }

  @Test
  void theEndOfInputIsAKeyToo() throws IOException {
    LanternaTerminal lanterna = new LanternaTerminal(terminal, Colors.NONE);
    typing.close();
    assertEquals(KeyType.EOF, next(lanterna).getKeyType());
  }
}
