package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import dev.anneal.terminal.dashboard.Dashboard;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.dashboard.Histories;
import dev.anneal.terminal.dashboard.Scene;
import dev.anneal.terminal.dashboard.SceneControls;
import dev.anneal.terminal.dashboard.Scenes;
import dev.anneal.terminal.dashboard.VirtualScreen;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Look.Glyphs;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The dashboard says where a run is, what it does, and why a key does nothing. */
class DashboardTruthTest {

  private static List<String> frame(Scene scene, int width, int height, Glyphs glyphs) {
    return Dashboard.once(scene, width, height, glyphs).text().lines().toList();
  }

  private static Scene waiting(String what, double seconds) {
    Scene s = Scenes.of(Histories.LONG);
    return new Scene(
        s.run(),
        s.name(),
        s.live(),
        s.others(),
        s.system(),
        s.backends(),
        s.runs(),
        s.peak(),
        s.recording(),
        s.zone(),
        Optional.of(new Scene.Waiting(what, seconds)));
  }

  @ParameterizedTest
  @CsvSource({
    "20, 100000/120000",
    "40, ' 1.68 '",
    "80, loss 1.6775  val_loss 1.9374",
    "300, loss 1.6775  val_loss 1.9374"
  })
  void theLossesAreOnTop(int width, String losses) {
    List<String> lines = frame(Scenes.of(Histories.LONG), width, 24, Glyphs.BRAILLE);
    assertTrue(lines.getFirst().contains(losses), lines.getFirst());
    if (width < 40) {
      assertTrue(lines.contains("loss 1.6775") && lines.contains("val_loss 1.9374"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatTakesLongTurnsAndSaysWhat(Glyphs glyphs) {
    for (int width : List.of(20, 40, 80, 300)) {
      String early = frame(waiting("evaluating", 0.2), width, 24, glyphs).getLast();
      assertFalse(early.contains("evaluating"), early);
      String now = frame(waiting("evaluating", 4.3), width, 24, glyphs).getLast();
      assertTrue(width < 40 || now.endsWith("evaluating 4s"), now);
      String next = frame(waiting("evaluating", 4.4), width, 24, glyphs).getLast();
      assertFalse(now.equals(next), "it turns");
    }
  }

  private static String lastLine(SceneControls controls, String keys) {
    String text = new VirtualScreen(90, 26).run(new DashboardLoop(controls, Glyphs.BRAILLE), keys);
    return text.lines().reduce("", (a, b) -> b).strip();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "-|all of x is in view; + zooms in",
        "0|all of x is in view; + zooms in",
        "f|all of x is in view, the latest step, too",
        "<Left>|all of x is in view; + zooms in, then the arrows pan",
        "+f|the chart follows the latest step already",
        "+<Right>|nothing lies right of this yet",
        "c<Right>|the crosshair is at the edge; c takes it away",
        "<Up>|nothing to scroll here; Tab goes to panels of text",
        "<Tab><Tab><Tab><Up>|this is the top",
        "{{{{{{{{{|there is no smoothing already",
        "}}}}}}}}}}|there is no more smoothing than this",
        "ee}|only raw values are drawn; e draws smoothed ones",
        "me|val_loss is drawn as it was measured, in points",
        "1|the chart stays; Tab and z show another panel alone",
        "6|there is no room for runs in 90x26; Tab and z show it alone",
        "z4|one panel has the whole screen; z brings the others back",
        "]|all panels are on already",
        "[[|the side panels are off already",
        "!|! does nothing here; ? lists the keys",
        "<^b>|^B does nothing here; ? lists the keys",
        "<Delete>|this key does nothing here; ? lists the keys"
      })
  void aKeyThatChangesNothingSaysWhy(String keys, String why) {
    assertEquals(why, lastLine(new SceneControls(Histories.LONG), keys));
  }

  @ParameterizedTest
  @CsvSource({"+", "c", "0", "f", "<Left>"})
  void thereIsNothingToLookAtBeforeTheFirstStep(String key) {
    assertEquals("loss has no points yet", lastLine(new SceneControls(Histories.EMPTY), key));
  }

  @ParameterizedTest
  @CsvSource({"' '", ".", "s", "t", "T", "b", "C", "r", "i<Enter>"})
  void aKeyForARunThatIsElsewhereSaysSo(String key) {
    String why = "run-7 can only be looked at here: this process does not train it";
    SceneControls elsewhere =
        new SceneControls(Histories.LONG) {
          private void refuse() {
            throw Failure.failed(why);
          }

          @Override
          public void togglePause() {
            refuse();
          }

          @Override
          public void step() {
            refuse();
          }

          @Override
          public void sample(String prompt) {
            refuse();
          }

          @Override
          public void warm(double by) {
            refuse();
          }

          @Override
          public void compareBackends() {
            refuse();
          }

          @Override
          public void checkpoint() {
            refuse();
          }

          @Override
          public void toggleRecord() {
            refuse();
          }
        };
    assertEquals(why, lastLine(elsewhere, key));
    assertTrue(lastLine(elsewhere, key + "g").startsWith("? help"), "until the next key");
  }

  @Test
  void qClosesWhatIsOpenAndNoMore() {
    for (String open : List.of("?", ":status<Enter>", "o")) {
      SceneControls controls = new SceneControls(Histories.LONG);
      lastLine(controls, open + "q.");
      assertTrue(controls.asked.contains("step"), open);
    }
  }

  @Test
  void anySizeShowsTheStateAndTheStep() {
    for (int width = 1; width <= 300; width += 13) {
      for (int height = 1; height <= 100; height += 7) {
        for (Histories history : Histories.values()) {
          Frame frame = Dashboard.once(Scenes.of(history), width, height, Glyphs.BRAILLE);
          List<String> lines = frame.text().lines().toList();
          assertEquals(height, lines.size());
          int most = width;
          assertTrue(lines.stream().allMatch(line -> Cells.width(line) <= most));
          if (width >= 20) {
            assertTrue(lines.getFirst().contains("/"), lines.getFirst());
          }
        }
      }
    }
  }

  /** Each run has a mark of its own on its curve, and the legend names it. */
  @ParameterizedTest
  @EnumSource
  void runsDifferWithoutColour(Glyphs glyphs) {
    String text =
        new VirtualScreen(120, 40)
            .run(
                new DashboardLoop(new SceneControls(Histories.LONG), glyphs),
                "o<Down><Enter><Down><Enter><Escape>");
    List<String> lines = text.lines().toList();
    assertTrue(lines.get(2).contains("x run-5  + a-run-with-a-long-name"), lines.get(2));
    String chart =
        String.join("\n", lines.subList(3, 22).stream().map(l -> l.substring(9, 80)).toList());
    for (char mark : new char[] {'x', '+', '#'}) {
      assertTrue(chart.indexOf(mark) >= 0, mark + " is in\n" + chart);
    }
  }
}
