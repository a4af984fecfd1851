package dev.anneal.terminal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.dashboard.Key;
import dev.anneal.terminal.dashboard.ScreenPort;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.live.LiveControls;
import dev.anneal.terminal.shell.Screens;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.Look.Glyphs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;

/** Whatever is typed and pressed, in whatever order, the session answers. */
class AnySequenceTest {
  /** Far more than any sequence takes: only what is stuck takes longer. */
  private static final Duration STUCK = Duration.ofSeconds(100);

  /** What a person does: types a line, or presses keys in the dashboard. */
  sealed interface Act {
    record Line(String text) implements Act {}

    record Keys(List<Key> keys) implements Act {}
  }

  @Provide
  Arbitrary<List<Act>> acts() {
    Arbitrary<Act> lines =
        Arbitraries.of(
                "TRAIN one",
                "TRAIN two --val-every 2 --sample-every 3 --sample-tokens 2",
                "TRAIN three --checkpoint-every 2",
                "TRAIN nan --lr 1e30 --clip 0",
                "pause",
                "resume",
                "step",
                "step 3",
                "step 0",
                "stop",
                "stop now",
                "rewind 0",
                "rewind 2",
                "rewind 999999",
                "rewind -1",
                "set lr 0.001",
                "set lr -1",
                "set temperature 0",
                "set val_every 1",
                "set checkpoint_every 1",
                "set nosuch 1",
                "sample --tokens 3 abc",
                "sample --tokens 0",
                "save",
                "branch child",
                "branch one",
                "branch a/b",
                "inspect",
                "inspect wte.weight",
                "inspect logits [0,0]",
                "inspect nosuch",
                "load ONE",
                "load TWO",
                "load nosuch",
                "status",
                "show memory",
                "wait step>=2",
                "record RECORD",
                "record stop",
                "plot",
                "dashboard --once",
                "watch --count 2 -n 0.01 status",
                "time step",
                "stpe",
                "'an open quote",
                ";;")
            .map(Act.Line::new);
    Arbitrary<Key> keys =
        Arbitraries.oneOf(
            Arbitraries.strings()
                .withChars(" .stTyxYceomMzgaLCrbhjkl+-0f{}[]123456?")
                .ofLength(1)
                .map(s -> Key.of(s.charAt(0))),
            Arbitraries.chars().all().map(Key::of),
            Arbitraries.of(Key.Kind.values())
                .filter(kind -> kind != Key.Kind.CHARACTER && kind != Key.Kind.GONE)
                .map(Key::of),
            Arbitraries.chars().range('a', 'z').map(c -> new Key(Key.Kind.CHARACTER, c, true)));
    Arbitrary<List<Key>> typed =
        Arbitraries.of(
                "iabc\r",
                ":pause\r",
                ":step 2\r",
                ":rewind 1\r",
                ":set lr 1\r",
                ":stop;load x\r",
                ":resume\r",
                "/lr\r",
                ":qu\t",
                "o\r",
                "w/dev/null/x.csv\r",
                ":TRAIN four\r")
            .map(text -> text.chars().mapToObj(AnySequenceTest::key).toList());
    Arbitrary<Act> pressed =
        Arbitraries.oneOf(keys.list().ofMinSize(1).ofMaxSize(12), typed).map(Act.Keys::new);
    return Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(3, lines), net.jqwik.api.Tuple.of(1, pressed))
        .list()
        .ofMinSize(1)
        .ofMaxSize(14);
  }

  private static Key key(int c) {
    return switch (c) {
      case '\r' -> Key.of(Key.Kind.ENTER);
      case '\t' -> Key.of(Key.Kind.TAB);
      default -> Key.of((char) c);
    };
  }

  @Property(tries = 100, shrinking = ShrinkingMode.OFF)
  void theSessionAnswers(@ForAll("acts") List<Act> acts) throws IOException {
    Path folder = Files.createTempDirectory("anneal-any");
    try {
      assertTimeoutPreemptively(STUCK, () -> perform(folder, acts), () -> acts + " gets stuck");
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  private static void perform(Path folder, List<Act> acts) {
    try (TinyShell shell = new TinyShell(folder)) {
      for (Act act : acts) {
        switch (act) {
          case Act.Line(String text) -> type(shell, folder, text);
          case Act.Keys(List<Key> keys) -> {
            DashboardLoop loop = new DashboardLoop(LiveControls.of(shell.shell()), Glyphs.BRAILLE);
            shell.shell().screensFrom(new Screen(folder, keys));
            shell.shell().showScreen(loop);
          }
        }
        TinyShell.Result status = shell.run("status");
        assertTrue(status.code() == 0 || status.err().contains("no live run"), status.err());
      }
      shell.run("stop");
      shell.ok(TinyShell.train(folder, "afterwards", "--steps 9"));
      shell.ok("pause; rewind 0; step");
    }
  }

  private static void type(TinyShell shell, Path folder, String text) {
    TinyShell.Result result;
    try {
      result = shell.run(expand(folder, text));
    } catch (dev.anneal.failure.Failure e) {
      // An open quote is one before it is a command.
      return;
    }
    assertFalse(result.err().contains("a fault of ours"), text + "\n" + result.err());
    // What a run in the background says is no error.
    long errors = result.err().lines().filter(line -> line.startsWith("anneal:")).count();
    assertTrue(errors <= 40, result.err());
    assertEquals(0, result.err().chars().filter(c -> c == 27).count());
  }

  private static String expand(Path folder, String text) {
    if (text.startsWith("TRAIN ")) {
      String[] words = text.split(" ", 3);
      return TinyShell.train(
          folder, words[1], "--steps 300 " + (words.length > 2 ? words[2] + " " : ""));
    }
    return text.replace("ONE", folder.resolve("one").toString())
        .replace("TWO", folder.resolve("two").toString())
        .replace("RECORD", folder.resolve("record.jsonl").toString());
  }

  /** Presses its keys, one a frame, and is gone. */
  private static final class Screen implements Screens, ScreenPort {
    private final Deque<Key> keys = new ArrayDeque<>();
    private Runnable onInterrupt = () -> {};

    Screen(Path folder, List<Key> pressed) {
      StringBuilder typed = new StringBuilder();
      pressed.stream()
          .filter(k -> k.kind() == Key.Kind.CHARACTER)
          .forEach(k -> typed.append(k.character()));
      if (typed.toString().startsWith(":TRAIN ")) {
        (":" + expand(folder, typed.substring(1)) + "\r").chars().forEach(c -> keys.add(key(c)));
      } else {
        keys.addAll(pressed);
      }
    }

    @Override
    public boolean available() {
      return true;
    }

    @Override
    public void show(DashboardLoop loop) {
      loop.run(this);
    }

    @Override
    public Size size() {
      return new Size(60 + keys.size() % 70, 20 + keys.size() % 30);
    }

    @Override
    public Optional<Key> read(long milliseconds) {
      if (keys.size() % 5 == 4) {
        onInterrupt.run();
      }
      return milliseconds == 0
          ? Optional.empty()
          : Optional.of(keys.isEmpty() ? Key.of(Key.Kind.GONE) : keys.poll());
    }

    @Override
    public void draw(Frame frame) {
      assertFalse(frame.text().codePoints().anyMatch(c -> c != '\n' && Character.isISOControl(c)));
    }

    @Override
    public boolean suspend() {
      return false;
    }

    @Override
    public void redraw() {}

    @Override
    public void onInterrupt(Runnable action) {
      onInterrupt = action;
    }
  }
}
