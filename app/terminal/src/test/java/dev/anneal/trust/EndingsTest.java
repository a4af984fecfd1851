package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.AnnealProcess;
import dev.anneal.terminal.shell.TinyShell;
import java.io.File;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One signal ends a script that waits for its next line: saved, and at once. */
@Execution(ExecutionMode.CONCURRENT)
class EndingsTest {
  @TempDir private Path temp;

  @ParameterizedTest
  @CsvSource({"TERM, anneal - < fifo, 143", "HUP, anneal -f fifo, 129", "INT, anneal < fifo, 130"})
  void oneSignalSavesAndEnds(String signal, String command, int code) throws Exception {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash");
    String train = TinyShell.train(temp, "run", "--steps 1000000 --bg");
    AnnealProcess.Result result =
        AnnealProcess.shell(
            temp,
            Map.of(),
            "",
            // With job control, so that a job in the background can be interrupted. Its input
            // stays open, with nobody who writes to it.
            "set -m; mkfifo fifo; "
                + command
                + " > out 2>&1 & job=$!; exec 7>fifo; echo "
                + AnnealProcess.quote(train)
                + " >&7; until grep -q '\"step\":3,' run/log.jsonl 2>/dev/null; do sleep 0.05;"
                + " done; kill -"
                + signal
                + " $job; wait $job; echo \"code $?\"; ls run; cat out");
    assertTrue(result.out().startsWith("code " + code + "\n"), result.out() + result.err());
    assertTrue(result.out().contains("step_"), "saved: " + result.out());
    assertFalse(result.out().contains("Exception"), result.out());
    assertEquals(1, result.out().lines().filter(l -> l.startsWith("stopped after")).count());
  }
}
