package dev.anneal.terminal.dashboard;

import dev.anneal.terminal.screen.Tty;
import dev.anneal.terminal.text.Look.Glyphs;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A program whose dashboard fails in the middle of drawing, on a real terminal. */
public final class FailingDashboard {
  private FailingDashboard() {}

  public static void main(String[] args) {
    SceneControls failing =
        new SceneControls(Histories.DONE) {
          @Override
          public void step() {
            throw new IllegalStateException("a fault in the loop");
          }
        };
    try (Tty tty = Tty.open(StandardCharsets.UTF_8)) {
      tty.show(new DashboardLoop(failing, Glyphs.BRAILLE));
      System.exit(9);
    } catch (IllegalStateException e) {
      System.out.println("caught: " + e.getMessage() + List.of());
    }
    System.exit(7);
  }
}
