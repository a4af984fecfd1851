package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.AnnealProcess;
import dev.anneal.terminal.Launcher;
import dev.anneal.terminal.shell.TinyShell;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Wherever the standard streams go, and whichever are closed, nothing that was said is lost. */
@Execution(ExecutionMode.CONCURRENT)
class OneLogFileTest {
  @TempDir private Path temp;
  private Launcher launcher;

  @BeforeEach
  void install() throws IOException {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash: redirections are not tested");
    launcher = Launcher.install(temp.resolve("home"));
  }

  private String train(String run) {
    return "anneal " + TinyShell.train(temp, run, "--steps 3 --sample-tokens 9");
  }

  private static void isWhole(String log) {
    List<String> lines = log.replace("\r", "\n").lines().toList();
    for (String begins :
        List.of("GPT-2, ", "cpu, ", "run directory: ", "saved ", "done after step 3")) {
      assertEquals(
          1, lines.stream().filter(l -> l.startsWith(begins)).count(), begins + "\n" + log);
    }
    assertTrue(log.contains("sample at step 3:"), log);
    int sample = lines.indexOf("sample at step 3:");
    assertFalse(lines.get(sample + 1).startsWith("done"), "the sample is there: " + log);
    assertFalse(log.contains("\0"), log);
  }

  @Test
  void oneFileHasEveryLineOfBothStreams() throws Exception {
    launcher.ok(temp, train("run") + " > log 2>&1");
    isWhole(Files.readString(temp.resolve("log")));
    launcher.ok(
        temp,
        "echo first > log; "
            + train("again")
            + " >> log 2>&1; anneal -c 'help step; nosuch' >> log 2>&1; echo last >> log");
    String log = Files.readString(temp.resolve("log"));
    isWhole(log);
    assertTrue(log.startsWith("first\n"), log);
    assertTrue(log.endsWith("-c:1: there is no command nosuch; see help\nlast\n"), log);
  }

  /** Without a home, a terminal's name, a locale or much of a path. */
  @Test
  void soDoesAPipeOfAServiceThatHasAlmostNoEnvironment() throws Exception {
    String out =
        launcher.ok(
            temp,
            "cat > service <<'E'\n"
                + train("run")
                + "\nE\nenv -i PATH=$PWD:/usr/bin:/bin nohup sh service < /dev/null 2>&1"
                + " | tee log");
    isWhole(out);
    assertEquals(out, Files.readString(temp.resolve("log")));
  }

  @Test
  void soDoesTheRecordOfATerminal() throws Exception {
    assumeTrue(new File("/usr/bin/script").canExecute(), "script is not installed");
    launcher.ok(temp, "script -qec " + AnnealProcess.quote(train("run")) + " log > seen");
    isWhole(Files.readString(temp.resolve("log")).replaceAll("(?m)^Script .*$", ""));
  }

  @Test
  void closedStreamsAreAsDevNull() throws Exception {
    String out =
        launcher.ok(
            temp,
            train("run")
                + " <&- >&- 2>&-; echo \"code $?\"; anneal -c 'sample --checkpoint run --tokens 5"
                + " --prompt seen; nosuch' --keep-going 2>&-; echo \"code $?\";"
                + " anneal <&-; echo \"code $?\"; anneal nosuch >&-; echo \"code $?\"");
    List<String> lines = out.lines().toList();
    assertEquals("code 0", lines.getFirst());
    assertTrue(lines.get(1).startsWith("seen"), "the weights are whole: " + out);
    assertEquals(
        List.of("code 2", "code 0", "code 2"), lines.subList(lines.size() - 3, lines.size()));
  }

  @Test
  void aFolderThatIsGoneIsNamed() throws Exception {
    AnnealProcess.Result result =
        launcher.bash(
            temp,
            Map.of(),
            "mkdir gone; cd gone; rmdir ../gone; ../anneal --version 2>&1 | tail -1");
    assertEquals("anneal: the current folder is gone; cd to one that is there\n", result.out());
  }
}
