package dev.anneal.terminal.shell;

import dev.anneal.failure.Failure;
import dev.anneal.terminal.dashboard.DashboardLoop;

/** Opens a full screen, where there is a terminal to do it on. */
public interface Screens {
  /** No terminal. */
  Screens NONE =
      new Screens() {
        @Override
        public boolean available() {
          return false;
        }

        @Override
        public void show(DashboardLoop loop) {
          throw Failure.failed("there is no terminal to draw on");
        }
      };

  boolean available();

  /** Runs the loop on the whole screen and puts the terminal back, however it ends. */
  void show(DashboardLoop loop);
}
