package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.AnnealProcess.Result;
import dev.anneal.terminal.shell.TinyShell;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The program in pipes: what only a process of its own shows. */
@Execution(ExecutionMode.CONCURRENT)
class ProcessTest {
  @TempDir private Path temp;

  @BeforeEach
  void needsBash() {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash: pipes are not tested");
  }

  private Result bash(String line) throws IOException, InterruptedException {
    return AnnealProcess.shell(temp, Map.of(), "", line);
  }

  private String train(String run, String more) {
    return TinyShell.train(temp, run, more);
  }

  @Test
  void takesCommandsFromAPipe() throws Exception {
    String script = "help step\nsample 'a\nb'\n" + "help stop\n";
    for (String how : new String[] {"anneal", "anneal -f -"}) {
      Result result = AnnealProcess.shell(temp, Map.of(), script, how);
      assertEquals(2, result.code(), how + result.err());
      assertTrue(result.out().contains("Make some steps"), how);
      assertTrue(
          result.err().startsWith("stdin:2: there is no run to sample from"), how + result.err());
      assertFalse(result.out().contains("Finish the step"), how);
    }
    Result all = AnnealProcess.shell(temp, Map.of(), script, "anneal --keep-going -");
    assertEquals(2, all.code());
    assertTrue(all.out().contains("Finish the step"));
  }

  @Test
  void aClosedPipeEndsItQuietly() throws Exception {
    for (String command :
        new String[] {
          "anneal help",
          "anneal -c 'watch -n 0.01 help'",
          "anneal -c " + AnnealProcess.quote(train("run", "--steps 1000000 --json")),
          "anneal --json " + train("whole", "--steps 1000000")
        }) {
      Result result = bash(command + " 2>err.txt | head -n 1; exit ${PIPESTATUS[0]}");
      String err = Files.readString(temp.resolve("err.txt"));
      assertEquals(0, result.code(), command + err);
      assertEquals(1, result.out().lines().count());
      assertFalse(err.contains("anneal:") || err.contains("Exception"), err);
    }
    assertTrue(
        Files.list(temp.resolve("run"))
            .anyMatch(f -> f.getFileName().toString().startsWith("step_")),
        "the run was saved");
  }

  @Test
  void withoutUtf8ThereIsOnlyAscii() throws Exception {
    String line =
        train("run", "--steps 3")
            + "; dashboard --once; plot; inspect wte.weight; sample --prompt é\n";
    // Not as an argument: only the launcher sees to it that the JVM reads those in such a locale.
    Result result = AnnealProcess.shell(temp, Map.of("LC_ALL", "C"), line, "anneal -");
    assertEquals(0, result.code(), result.err());
    for (byte b : (result.out() + result.err()).getBytes()) {
      assertTrue(
          b == '\n' || b == '\t' || b >= ' ' && b <= '~', "byte " + b + " in " + result.out());
    }
    assertTrue(result.out().contains("+-*loss"), result.out());
  }

  @Test
  void aPipeHasNoColoursWhateverTheTerminal() throws Exception {
    String line = train("run", "--steps 3") + "; dashboard --once; plot";
    Result result =
        AnnealProcess.shell(
            temp,
            Map.of("COLORTERM", "truecolor"),
            "",
            "anneal -c " + AnnealProcess.quote(line) + " | cat");
    assertEquals(0, result.code(), result.err());
    assertTrue(result.out().contains("⣀") || result.out().contains("⠤"), result.out());
    assertFalse((result.out() + result.err()).contains("\033"));
    assertFalse((result.out() + result.err()).contains("\r"));
  }

  /** Two processes, one directory: the second is told who has it. */
  @Test
  void saysWhoWritesToARun() throws Exception {
    Result result =
        bash(
            "(echo "
                + AnnealProcess.quote(train("run", "--steps 1000000 --bg"))
                + "; echo 'wait step>=2; pause; save'; while [ ! -e done ]; do sleep 0.05; done;"
                + " echo stop) | anneal >first.txt 2>&1 & until grep -q saved first.txt"
                + " 2>/dev/null; do sleep 0.05; done; anneal train --resume run; echo \"code $?\";"
                + " anneal -c 'load run; step'; echo \"code $?\"; anneal status run; touch done;"
                + " wait");
    String who = "run is in use by process \\d+ on \\S+, started \\S+; stop that run or .*";
    String[] errors = result.err().split("\n");
    assertEquals(2, errors.length, result.err());
    assertTrue(errors[0].matches("anneal: " + who), result.err());
    assertTrue(errors[1].matches("-c:1: " + who), result.err());
    assertTrue(
        result
            .out()
            .matches("(?s)code 1\nrun is paused at step \\d+\ncode 1\nrun  paused  step .*"),
        result.out());
  }

  @Test
  void aSignalLetsTheRunSave() throws Exception {
    Result result =
        bash(
            "anneal "
                + train("run", "--steps 1000000 --json")
                + " >out.txt & until grep -q '\"step\":3' out.txt 2>/dev/null; do sleep 0.05; done;"
                + " kill -TERM $!; wait $!; echo \"code $?\"; ls run");
    assertTrue(result.out().startsWith("code 143\n"), result.out() + result.err());
    assertTrue(result.out().contains("step_"), result.out());
    assertTrue(result.err().contains("stopped after step"), result.err());
    assertFalse(result.err().contains("Exception"), result.err());
  }

  @Test
  void messagesGoToStandardErrorAndVersionsOut() throws Exception {
    Result version = bash("anneal --version 2>/dev/null");
    assertTrue(version.out().matches("anneal \\d+\\.\\d+\\.\\d+ \\(Java .*\\)\n"), version.out());
    Result wrong = bash("anneal trian 2>&1 >/dev/null");
    assertEquals(2, wrong.code());
    assertEquals(1, wrong.out().lines().count(), "no greeting of the JVM: " + wrong.out());
    assertTrue(wrong.out().contains("did you mean train?"));
  }
}
