package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.Tmux;
import dev.anneal.terminal.shell.TinyShell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A terminal that no database describes, or that can do nothing, is one to work at. */
@Execution(ExecutionMode.CONCURRENT)
class UnknownTermTest {
  @TempDir private Path temp;
  private Tmux tmux;

  @BeforeEach
  void openATerminal() throws IOException {
    assumeTrue(Tmux.isInstalled(), "tmux is not installed: no real terminal is tested");
    tmux = new Tmux(temp);
    Files.writeString(
        temp.resolve("begin"), TinyShell.train(temp, "run", "--steps 1000000 --bg") + "\n");
  }

  @AfterEach
  void closeTheTerminal() {
    if (tmux != null) {
      tmux.close();
    }
  }

  private void nothingStrangeWasShown() {
    String all = tmux.scrollback();
    for (String strange : new String[] {"Exception", "WARNING", "\tat ", "infocmp", "jline"}) {
      assertFalse(all.contains(strange), strange + " in\n" + all);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM=xterm-ghostty", "TERM=no-such-terminal"})
  void onesWithoutAnEntryHaveAPromptAndADashboard(String term) throws IOException {
    String settings = tmux.settings();
    tmux.line("env " + term + " anneal; echo \"code $?\"");
    tmux.awaitLine("anneal>");
    tmux.line("source begin");
    tmux.awaitLine("run RUN \\d+/1000000 .*>");
    tmux.line("dashboard");
    tmux.await(screen -> tmux.isOnAlternateScreen() && screen.contains("run"), "the dashboard");
    tmux.type("q");
    tmux.awaitLine("run RUN .*>");
    tmux.line("stop");
    tmux.awaitLine("run DONE .*>");
    tmux.line("quit");
    tmux.await("code 0");
    nothingStrangeWasShown();
    assertEquals(settings, tmux.settings());
  }

  /** The interrupt key ends the line or the command; process and run live. */
  @Test
  void aDumbOneSurvivesTheInterruptKey() {
    tmux.line("env -u TERM anneal; echo \"code $?\"");
    tmux.await("anneal>");
    tmux.line("source begin");
    tmux.await("trains in the background");
    tmux.type("half a line");
    tmux.await("half a line");
    tmux.press("C-c");
    tmux.awaitLine(".*run [a-zA-Z0-9/. ]*>");
    tmux.line("wait");
    tmux.awaitLine(".*run [a-zA-Z0-9/. ]*> wait");
    tmux.press("C-c");
    tmux.awaitLine(".*run [a-zA-Z0-9/. ]*>");
    tmux.line("echo-that-is-no-command");
    tmux.await("there is no command echo-that-is-no-command");
    tmux.line("status");
    tmux.await("RUN");
    tmux.line("stop");
    tmux.await("stopped after step");
    tmux.line("quit");
    tmux.await("code 0");
    nothingStrangeWasShown();
    assertTrue(tmux.scrollback().contains("run"), tmux.scrollback());
  }
}
