package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.dashboard.FailingDashboard;
import dev.anneal.terminal.shell.TinyShell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program on a real terminal, and what it leaves of it. */
@Execution(ExecutionMode.CONCURRENT)
class TerminalTest {
  @TempDir private Path temp;
  private Tmux tmux;
  private String settings = "";

  @BeforeEach
  void openATerminal() throws IOException {
    assumeTrue(Tmux.isInstalled(), "tmux is not installed: no real terminal is tested");
    tmux = new Tmux(temp);
    settings = tmux.settings();
  }

  @AfterEach
  void closeTheTerminal() {
    if (tmux != null) {
      tmux.close();
    }
  }

  /** A prompt with a run whose steps never end, at 50 a second at most on a slow machine. */
  private void startWithARun(String more) throws IOException {
    Files.writeString(
        temp.resolve("begin"), TinyShell.train(temp, "run", "--steps 1000000 " + more) + "\n");
    tmux.line("anneal; echo \"code $?\"");
    tmux.awaitLine("anneal>");
    tmux.line("source begin");
    tmux.awaitLine("run RUN \\d+/1000000 \\d+\\.\\d+>");
  }

  private void leave() {
    tmux.line("quit");
    tmux.await("code 0");
    theTerminalIsAsItWas();
  }

  private void theTerminalIsAsItWas() {
    assertFalse(tmux.isOnAlternateScreen());
    assertEquals(settings, tmux.settings());
  }

  @Test
  void aRunIsSteeredFromThePrompt() throws IOException {
    startWithARun("");
    tmux.line("sample --tokens 3 the");
    tmux.await(screen -> screen.lines().anyMatch(l -> l.startsWith("the")), "a sample");
    tmux.line("pause");
    tmux.awaitLine("run PAUSED .*>");
    tmux.line("rewind 1");
    tmux.await("paused at step 1, as it was");
    tmux.awaitLine("run PAUSED 1/1000000 .*>");
    tmux.line("step 2");
    tmux.awaitLine("run PAUSED 3/1000000 .*>");
    tmux.line("set lr 1e-3; inspect wte.weight [0,:2]");
    tmux.await("wte.weight  (256, 16)  f32  parameters");
    tmux.line("stpe");
    tmux.await("there is no command stpe; did you mean step?");
    tmux.press("C-d");
    tmux.await("run is paused: [s]top, save and leave, or [c]ancel?");
    tmux.line("c");
    tmux.awaitLine("run PAUSED 3/1000000 .*>");
    tmux.press("C-d");
    tmux.awaitLine(".*or \\[c\\]ancel\\?");
    tmux.line("s");
    tmux.await("code 0");
    theTerminalIsAsItWas();
    assertTrue(isSaved(3));
  }

  /** Whether there is a checkpoint of a step, or of any when it is negative. */
  private boolean isSaved(int step) throws IOException {
    try (Stream<Path> files = Files.list(temp.resolve("run"))) {
      return files.anyMatch(
          f -> f.getFileName().toString().matches("step_" + (step < 0 ? "\\d+" : step)));
    }
  }

  @Test
  void theStartFileIsReadAndTheHistoryCompletes() throws IOException {
    Files.createDirectories(temp.resolve("anneal"));
    Files.writeString(temp.resolve("anneal/rc"), "alias where status\nalias\n");
    Files.writeString(
        temp.resolve("anneal/history"), "1:help step\n2:help pause\n3:help stop\n4:runs\n");
    tmux.line("anneal; echo \"code $?\"");
    tmux.await(screen -> screen.contains("\nalias where status\n"), "what rc says, on its line");
    tmux.awaitLine("anneal>");
    // Not the line between them: it begins otherwise.
    tmux.type("help st");
    tmux.press("Up");
    tmux.press("Up");
    tmux.awaitLine("anneal> help step");
    tmux.press("Up");
    tmux.press("Down");
    tmux.awaitLine("anneal> help stop");
    tmux.press("Down");
    tmux.type("x");
    tmux.awaitLine("anneal> help stx");
    for (String key : List.of("Right", "End")) {
      tmux.press("C-c");
      tmux.awaitLine("anneal>");
      tmux.type("help p");
      tmux.awaitLine("anneal> help pause");
      tmux.press(key);
      tmux.type("x");
      tmux.awaitLine("anneal> help pausex");
    }
    tmux.press("C-c");
    tmux.awaitLine("anneal>");
    tmux.press("C-d");
    tmux.await("code 0");
    theTerminalIsAsItWas();
  }

  @Test
  void theInterruptKeyEndsWhatIsTypedOrDoneAndNoMore() throws IOException {
    startWithARun("");
    tmux.type("no such line");
    tmux.awaitLine("run RUN .*> no such line");
    tmux.press("C-c");
    tmux.awaitLine("run RUN \\d+/1000000 \\d+\\.\\d+>");
    for (String command : List.of("watch -n 0.05 status", "wait", "watch -n 60 status")) {
      tmux.line(command);
      tmux.awaitCursorAtMargin();
      tmux.press("C-c");
      tmux.awaitLine("run RUN \\d+/1000000 \\d+\\.\\d+>");
    }
    tmux.line("status");
    tmux.await("run  running  step");
    leave();
  }

  /** A background run tells its news above what is being typed. */
  @Test
  void newsNeverGarbleALine() throws IOException {
    startWithARun("--val-every 3");
    tmux.type("stat");
    long news = news();
    tmux.await(
        screen -> news() > news + 3 && tmux.lastLine().matches("run RUN .*> stat.*"), "news");
    for (String line : tmux.scrollback().lines().toList()) {
      if (line.contains("val_loss") && !line.startsWith("loss ")) {
        assertTrue(line.matches("step \\d+  val_loss \\d+\\.\\d+ *"), line);
      }
    }
    tmux.line("us");
    tmux.await("run  running  step");
    leave();
  }

  private long news() {
    return tmux.scrollback().lines().filter(l -> l.matches("step \\d+  val_loss .*")).count();
  }

  @Test
  void theDashboardFollowsTheTerminalAndGivesItBack() throws IOException {
    startWithARun("");
    tmux.line("dashboard");
    tmux.await("? help  q REPL");
    assertTrue(tmux.isOnAlternateScreen());
    Random random = new Random(7);
    for (int i = 0; i < 40; i++) {
      tmux.resize(30 + random.nextInt(120), 5 + random.nextInt(40));
    }
    tmux.resize(39, 9);
    tmux.await("from 40x10 on");
    tmux.resize(120, 40);
    tmux.await(screen -> screen.contains("─ runs ─") && screen.contains("? help"), "all panels");
    assertEquals(40, tmux.screen().lines().count());
    tmux.type("?");
    tmux.await("this list (also h, F1)");
    tmux.press("Escape");
    tmux.await(screen -> !screen.contains("this list"), "no help");
    tmux.type("ithe\r");
    tmux.await("sample, step");
    tmux.type(" ");
    tmux.await("PAUSED");
    tmux.type(":rewind 1\r");
    tmux.await("Esc closes");
    tmux.press("Escape");
    tmux.await(screen -> !screen.contains("Esc closes"), "no window");
    tmux.type("..");
    tmux.await(" 3/1000000 ");
    // What is typed ahead belongs to the prompt.
    tmux.type("qstatus\r");
    tmux.await(screen -> screen.contains("run  paused  step 3/1000000"), "the status");
    tmux.awaitLine("run PAUSED 3/1000000 .*>");
    assertFalse(tmux.isOnAlternateScreen());
    assertTrue(tmux.scrollback().contains("source begin"), "the scrollback is as it was");
    leave();
  }

  @Test
  void theInterruptKeyPausesAndTwiceLeaves() throws IOException {
    startWithARun("");
    tmux.line("dashboard");
    tmux.await("? help  q REPL");
    tmux.press("C-c");
    tmux.await("PAUSED");
    assertTrue(tmux.isOnAlternateScreen());
    tmux.type(" ");
    tmux.await(screen -> screen.contains(" RUN "), "a run that goes on");
    tmux.press("C-c");
    // Two signals at once may arrive as one.
    tmux.await("PAUSED");
    tmux.press("C-c");
    tmux.awaitLine("run PAUSED .*>");
    assertFalse(tmux.isOnAlternateScreen());
    leave();
  }

  @Test
  void theStopKeyGivesTheTerminalToTheShellUntilTheProgramGoesOn() throws IOException {
    startWithARun("");
    tmux.line("dashboard");
    tmux.await("? help  q REPL");
    tmux.press("C-z");
    tmux.await("Stopped");
    theTerminalIsAsItWas();
    tmux.line("fg");
    tmux.await("? help  q REPL");
    assertTrue(tmux.isOnAlternateScreen());
    tmux.type("q");
    tmux.awaitLine("run RUN .*>");
    assertFalse(tmux.isOnAlternateScreen());
    tmux.line("quit");
    tmux.awaitLine("sh\\$");
    theTerminalIsAsItWas();
  }

  @Test
  void aFaultInTheLoopGivesTheTerminalBack() throws IOException {
    tmux.program("failing", FailingDashboard.class);
    tmux.line("failing; echo \"code $?\"");
    tmux.await("? help  q REPL");
    assertTrue(tmux.isOnAlternateScreen());
    tmux.type(".");
    tmux.await("code 7");
    assertTrue(tmux.screen().contains("caught: a fault in the loop"));
    theTerminalIsAsItWas();
  }

  /** The run's directory becomes a file: its next checkpoint cannot be written. */
  @Test
  void aFaultInTheRunLeavesThePromptAndTheDashboard() throws IOException {
    startWithARun("--checkpoint-every 40");
    tmux.line("dashboard");
    tmux.await("? help  q REPL");
    Path run = temp.resolve("run");
    Files.move(run, temp.resolve("moved"));
    Files.writeString(run, "");
    tmux.await("cannot save");
    tmux.type("q");
    // What cannot be saved now may be saved later, so the run goes on until it ends.
    tmux.awaitLine("run RUN .*>");
    tmux.line("stop");
    tmux.awaitLine("run FAILED .*>");
    leave();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void terminationSavesTheRunAndGivesTheTerminalBack(boolean dashboard) throws IOException {
    startWithARun("");
    if (dashboard) {
      tmux.line("dashboard");
      tmux.await("? help  q REPL");
    }
    assertTrue(tmux.foreground().destroy());
    tmux.await("code 143");
    theTerminalIsAsItWas();
    assertTrue(isSaved(-1));
  }

  @Test
  void aTerminalThatGoesEndsTheProgram() throws IOException {
    startWithARun("");
    tmux.line("dashboard");
    tmux.await("? help  q REPL");
    // It waits until the program has ended.
    tmux.close();
    assertTrue(isSaved(-1));
  }

  @Test
  void aScriptThroughAPipeHasAnExitCode() {
    tmux.line("printf 'help step\\nnosuch\\nhelp stop\\n' | anneal; echo \"code $?\"");
    tmux.await("code 2");
    assertTrue(tmux.screen().contains("stdin:2: there is no command nosuch"));
    assertFalse(tmux.screen().contains("Finish the step"));
    theTerminalIsAsItWas();
  }
}
