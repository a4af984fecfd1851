package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.AnnealProcess;
import dev.anneal.terminal.shell.TinyShell;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whether output arrived never replaces a command's own verdict. */
class VerdictTest {
  @TempDir private Path temp;

  private static String wrongNumbers() throws Exception {
    Path model = Path.of(VerdictTest.class.getResource("/gpt2-tiny/model.bin").toURI());
    return "verify --tolerance 0 --threads 1 --checkpoint "
        + model
        + " --state "
        + model.resolveSibling("debug_state.bin");
  }

  private AnnealProcess.Result bash(String line) throws Exception {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash");
    assumeTrue(new File("/dev/full").exists(), "no /dev/full");
    return AnnealProcess.shell(temp, Map.of(), "", line);
  }

  @Test
  void wrongNumbersAreWrongWhereverTheyArePrinted() throws Exception {
    AnnealProcess.Result result =
        bash(
            "anneal "
                + wrongNumbers()
                + " > /dev/full; echo \"full $?\"; anneal -c "
                + AnnealProcess.quote(wrongNumbers())
                + " | head -1 > first; echo \"pipe ${PIPESTATUS[0]}\"; wc -l < first");
    assertEquals("full 4\npipe 4\n1\n", result.out(), result.err());
    assertEquals(
        "anneal: cannot write to standard output: No space left on device\n", result.err());
  }

  @Test
  void outputThatIsLostIsAFailureOfItsOwn() throws Exception {
    AnnealProcess.Result result =
        bash(
            "anneal plan --json > /dev/full; echo \"code $?\"; anneal -c "
                + AnnealProcess.quote(
                    TinyShell.train(temp, "run", "--steps 2 --sample-tokens 5") + "; nosuch")
                + " --keep-going > /dev/full 2> err; echo \"code $?\"; tail -2 err");
    assertEquals(
        """
        code 1
        code 2
        -c:1: there is no command nosuch; see help
        anneal: cannot write to standard output: No space left on device
        """,
        result.out());
    assertEquals(
        "anneal: cannot write to standard output: No space left on device\n", result.err());
    try (var files = Files.list(temp.resolve("run"))) {
      assertTrue(files.anyMatch(f -> f.endsWith("step_2")), "the run went on and was saved");
    }
  }

  /** A writer that nobody reads. */
  private static final class Closed extends Writer {
    @Override
    public void write(char[] characters, int offset, int length) throws IOException {
      throw new IOException("Broken pipe");
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @Test
  void whatNobodyReadsIsNoFailureAndHidesNone() throws Exception {
    for (List<String> example :
        List.of(
            List.of("0", "plan"),
            List.of("0", "-c", "plan; nosuch"),
            List.of("2", "nosuch"),
            List.of("2", "-c", "nosuch; plan"),
            List.of("1", "sample", "--checkpoint", temp.resolve("nothing").toString()))) {
      StringWriter err = new StringWriter();
      int code =
          Anneal.run(
              example.subList(1, example.size()).toArray(String[]::new),
              new PrintWriter(new Closed()),
              new PrintWriter(err, true));
      assertEquals(Integer.parseInt(example.getFirst()), code, example + err.toString());
    }
  }
}
