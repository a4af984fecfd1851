package dev.anneal.terminal.screen;

import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.shell.Screens;
import java.nio.charset.Charset;

/** The process's own terminal, opened for as long as a dashboard is shown. */
public record TerminalScreens(Charset charset) implements Screens {

  @Override
  public boolean available() {
    return true;
  }

  @Override
  public void show(DashboardLoop loop) {
    try (Tty tty = Tty.open(charset)) {
      tty.show(loop);
    }
  }
}
