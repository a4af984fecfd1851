package dev.anneal.terminal.dashboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys and what they ask of a run. */
class DashboardLoopTest {
  private final SceneControls controls = new SceneControls(Histories.DONE);

  private String press(String keys) {
    return new VirtualScreen(100, 30).run(new DashboardLoop(controls, Glyphs.BRAILLE), keys);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "' '|togglePause",
        ".|step",
        "iOnce upon<Enter>|sample Once upon",
        "i<Enter>|'sample '",
        "iab<Backspace>c<Enter>|sample ac",
        "iabc<^u>d<Enter>|sample d",
        "t|warm -0.1",
        "T|warm 0.1",
        ":set lr 1e-4<Enter>|execute set lr 1e-4",
        ":stat<Tab><Enter>|'execute status '",
        "b|compareBackends",
        "C|checkpoint",
        "r|toggleRecord",
        "<^c>|pause"
      })
  void asksForWhatTheKeySays(String keys, String asked) {
    press(keys);
    assertEquals(List.of(asked, "close"), controls.asked);
  }

  @Test
  void samplesAgainWithTheLastPrompt() {
    press("iOnce<Enter>ss");
    assertEquals(List.of("sample Once", "sample Once", "sample Once", "close"), controls.asked);
  }

  @Test
  void recallsCommands() {
    press(":one<Enter><Escape>:two<Enter><Escape>:<Up><Up><Enter><Escape>:<Up><Down>x<Enter>");
    assertEquals(
        List.of("execute one", "execute two", "execute one", "execute x", "close"), controls.asked);
  }

  @Test
  void anAbandonedLineAsksForNothing() {
    press("iOnce<Escape>:quit<^c>/loss<Escape>wx.svg<Escape>i<Backspace>");
    assertEquals(List.of("close"), controls.asked);
  }

  @ParameterizedTest
  @ValueSource(strings = {"q", "<F10>", ":q<Enter>", ":quit<Enter>", "?qq", "<^c><^c>"})
  void leaves(String keys) {
    List<Key> left = new java.util.ArrayList<>(VirtualScreen.parse(keys + " "));
    ScreenPort screen =
        new ScreenPort() {
          @Override
          public Size size() {
            return new Size(80, 24);
          }

          @Override
          public Optional<Key> read(long milliseconds) {
            return Optional.of(left.removeFirst());
          }

          @Override
          public void draw(Frame frame) {}

          @Override
          public void redraw() {}

          @Override
          public boolean suspend() {
            return true;
          }

          @Override
          public void onInterrupt(Runnable action) {}
        };
    new DashboardLoop(controls, Glyphs.BRAILLE).run(screen);
    assertEquals(List.of(Key.of(' ')), left, "what comes after is left for the prompt");
    assertFalse(controls.asked.contains("togglePause"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "?", "o", "iOnce", ":set", "/lo", "w", "z", ":status<Enter>"})
  void aTerminalThatIsGoneEndsItWhateverIsOpen(String keys) {
    press(keys);
    assertEquals("close", controls.asked.getLast());
  }

  @Test
  void saysWhatCannotBeDone() {
    SceneControls failing =
        new SceneControls(Histories.DONE) {
          @Override
          public void toggleRecord() {
            throw Failure.failed("runs/run-7 is gone");
          }
        };
    String text = new VirtualScreen(100, 30).run(new DashboardLoop(failing, Glyphs.BRAILLE), "r");
    assertTrue(text.contains("runs/run-7 is gone"), text);
  }

  @Test
  void drawsOnlyWhenSomethingChanged() {
    AtomicInteger frames = new AtomicInteger();
    AtomicInteger reads = new AtomicInteger();
    ScreenPort screen =
        new ScreenPort() {
          @Override
          public Size size() {
            return new Size(80, 24);
          }

          @Override
          public Optional<Key> read(long milliseconds) {
            return reads.incrementAndGet() < 9 ? Optional.empty() : Optional.of(Key.of('q'));
          }

          @Override
          public void draw(Frame frame) {
            frames.incrementAndGet();
          }

          @Override
          public void redraw() {}

          @Override
          public boolean suspend() {
            return true;
          }

          @Override
          public void onInterrupt(Runnable action) {}
        };
    new DashboardLoop(controls, Glyphs.BRAILLE).run(screen);
    assertEquals(1, frames.get());
  }

  @Test
  void followsTheTerminalsSize() {
    VirtualScreen screen = new VirtualScreen(120, 40);
    SceneControls resizing =
        new SceneControls(Histories.LONG) {
          @Override
          public void step() {
            screen.resize(60, 20);
          }

          @Override
          public void checkpoint() {
            screen.resize(30, 5);
          }

          @Override
          public void compareBackends() {
            screen.resize(200, 60);
          }
        };
    DashboardLoop loop = new DashboardLoop(resizing, Glyphs.BRAILLE);
    assertEquals(60, screen.run(loop, ".CbC.b").lines().count());
  }

  @Test
  void everyActionIsInTheHelpWithAKeyThatDoesIt() {
    for (Action action : Action.values()) {
      String key = action.key();
      Key pressed =
          switch (key) {
            case "SPC" -> Key.of(' ');
            case "Tab" -> Key.of(Key.Kind.TAB);
            case "<-" -> Key.of(Key.Kind.LEFT);
            case "->" -> Key.of(Key.Kind.RIGHT);
            case "Up" -> Key.of(Key.Kind.UP);
            case "Dn" -> Key.of(Key.Kind.DOWN);
            case "1-6" -> Key.of('4');
            case "^L" -> new Key(Key.Kind.CHARACTER, 'l', true);
            case "^Z" -> new Key(Key.Kind.CHARACTER, 'z', true);
            case "^C" -> new Key(Key.Kind.CHARACTER, 'c', true);
            default -> Key.of(key.charAt(0));
          };
      assertEquals(Optional.of(action), Action.of(pressed), key);
    }
  }
}
