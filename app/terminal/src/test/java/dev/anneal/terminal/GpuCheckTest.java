package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.AnnealProcess.Result;
import dev.anneal.terminal.command.Commands;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.Words;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * What {@code scripts/gpu-check} makes of the commands that it starts. The program here is a script
 * that keeps what it was asked; that the rows work is seen by {@code gpu-check --dry-run}.
 */
@Execution(ExecutionMode.CONCURRENT)
class GpuCheckTest {
  private static final Path SCRIPT = Path.of("../..", "scripts", "gpu-check").toAbsolutePath();

  @TempDir private Path temp;

  @BeforeEach
  void needsItsTools() {
    for (String tool : List.of("/usr/bin/timeout", "/usr/bin/awk")) {
      assumeTrue(new File(tool).canExecute(), "no " + tool);
    }
  }

  /** With a program that keeps its words and then does {@code what}. */
  private Result check(String options, String what) throws IOException, InterruptedException {
    Path program = temp.resolve("stub");
    Files.writeString(
        program, "#!/bin/sh\nprintf '%s\\n' \"$*\" >> " + temp + "/calls\n" + what + "\n");
    assertTrue(program.toFile().setExecutable(true));
    return AnnealProcess.bash(
        temp,
        Map.of("GPU_CHECK_ANNEAL", program.toString(), "OUT", temp.resolve("out").toString()),
        "",
        SCRIPT.normalize() + " " + options);
  }

  private List<String> rows() throws IOException {
    return Files.readAllLines(temp.resolve("out/report.md")).stream()
        .filter(line -> line.startsWith("| ") && !line.startsWith("| check"))
        .toList();
  }

  private String row(String name) throws IOException {
    return rows().stream().filter(r -> r.startsWith("| " + name + " |")).findFirst().orElseThrow();
  }

  @Test
  void aRowSaysHowItEndedAndWhatItFound() throws Exception {
    Result result =
        check(
            "cuda",
            """
            echo '! what a driver says' >&2
            case $* in
              backends*) echo 'cuda     0  a GPU' ;;
              *'--dtype fp32 --checkpoint'*) echo 'logits beyond 1e-5'; exit 4 ;;
              *'--dtype tf32 --checkpoint'*) echo 'anneal: no driver'; exit 3 ;;
              *'--dtype bf16 --checkpoint'*) exit 1 ;;
              train*) printf 'step=39/40 loss=3 ms=9\\rstep=40/40 loss=2 ms=7\\ndone' ;;
            esac
            """);
    assertEquals(1, result.code(), "some are not ok\n" + result.out());
    assertTrue(row("backends").matches(".* ok \\| \\d+ s \\| cuda 0 a GPU \\|"), row("backends"));
    assertTrue(row("verify fp32").contains("| WRONG |"), row("verify fp32"));
    assertTrue(row("verify fp32").contains("logits beyond"), row("verify fp32"));
    assertTrue(row("verify tf32").contains("| no backend |"), row("verify tf32"));
    assertTrue(row("verify bf16").contains("| FAILED (1) |"), row("verify bf16"));
    assertTrue(row("124M bf16 B=64").contains("| step=40/40 loss=2 ms=7 |"), row("124M bf16 B=64"));
    assertTrue(row("no graph").contains("| ok |"), row("no graph"));
    String kept = Files.readString(temp.resolve("out/01-backends.txt"));
    assertTrue(kept.endsWith("backends -v\n! what a driver says\ncuda     0  a GPU\n"), kept);
  }

  /** Rows that tell the most come first; what takes a CPU's time comes last. */
  @Test
  void rowsComeInTheOrderOfWhatTheyTell() throws Exception {
    check("cuda", "");
    List<String> names = rows().stream().map(row -> row.split("\\|")[1].strip()).toList();
    List<String> expected =
        List.of(
            "backends",
            "verify bf16",
            "selftest",
            "124M bf16 B=16",
            "124M bf16 B=64",
            "ops of 124M",
            "own attention",
            "cuDNN in parts",
            "cuDNN summed",
            "no graph",
            "1558M bf16 B=16",
            "compare bf16",
            "bench 124M");
    assertEquals(expected, names.stream().filter(expected::contains).toList(), names.toString());
  }

  /** What the libraries and the JVM say beside a row is kept, and the summary points to it. */
  @Test
  void whatIsSaidBesideIsKeptAndSummedUp() throws Exception {
    check(
        "cuda",
        """
        echo 'WARNING: Using incubator modules: x' >> "$ANNEAL_JVM_LOG"
        case $* in
          backends*) printf 'cpu 0 none\ncuda 0 a GPU\n  libcudnn 9.19\n  searched /x\nhip -\n' ;;
          selftest*)
            printf 'ok add\nWRONG  gelu off by 3\n'
            echo 'no engine' >> "$CUDNN_LOGDEST_DBG"
            echo '# SIGSEGV' > hs_err_pid7.log
            exit 4 ;;
        esac
        """);
    String report = Files.readString(temp.resolve("out/report.md"));
    assertTrue(report.contains("    cuda 0 a GPU\n      libcudnn 9.19\n\n"), report);
    assertTrue(report.contains("    WRONG  gelu off by 3\n"), report);
    assertTrue(report.matches("(?s).*-cudnn.log: 1 lines, no engine\n.*"), report);
    assertTrue(report.contains("hs_err_pid7.log: 1 lines, # SIGSEGV\n"), report);
    assertFalse(report.contains("jvm.log"), "its greeting alone is no news\n" + report);
  }

  @Test
  void whoInterruptsItEndsTheRowAndHasASummary() throws Exception {
    check(
        "--dry-run cuda",
        "case $1 in selftest) echo $$ > "
            + temp
            + "/child; kill -TERM $(cut -d ' ' -f 4 /proc/$(cut -d ' ' -f 4"
            + " /proc/$PPID/stat)/stat); exec sleep 1000;; esac");
    String report = Files.readString(temp.resolve("out/report.md"));
    assertTrue(report.contains("not ok; stopped."), report);
    assertFalse(report.contains("| selftest |"), report);
    Path state = Path.of("/proc", Files.readString(temp.resolve("child")).strip(), "stat");
    assertTrue(Files.notExists(state) || Files.readString(state).contains(") Z "), "it lives on");
  }

  /** Who is cut off has all that was measured. */
  @Test
  void rowsAreThereBeforeTheNextBegins() throws Exception {
    check(
        "--dry-run cuda", "case $1 in selftest) cp " + temp + "/out/report.md " + temp + ";; esac");
    String then = Files.readString(temp.resolve("report.md"));
    assertTrue(then.contains("| verify fp8 | ok |"), then);
    assertFalse(then.contains("selftest"), then);
  }

  @Test
  void whatHangsIsKilledWithWhatItStartedAndTheRestGoesOn() throws Exception {
    check(
        "--row 1 --dry-run cuda",
        "case $1 in selftest) sleep 1000 & echo $! > " + temp + "/child; wait;; esac");
    assertTrue(row("selftest").contains("| killed after 1 s |"), row("selftest"));
    assertTrue(row("compare fp32").contains("| ok |"), row("compare fp32"));
    String child = Files.readString(temp.resolve("child")).strip();
    Path state = Path.of("/proc", child, "stat");
    // Who is dead may still be counted, when nobody asks.
    assertTrue(Files.notExists(state) || Files.readString(state).contains(") Z "), "it lives on");
  }

  @Test
  void whatIsOverTheBudgetIsSaidNotToHaveRun() throws Exception {
    check("--budget 0 cuda", "");
    assertFalse(Files.exists(temp.resolve("calls")));
    assertTrue(row("backends").contains("| not run | | over the budget of 0 s |"), row("backends"));
    assertTrue(row("1558M bf16 B=16").contains("| not run |"), row("1558M bf16 B=16"));
  }

  /** No row is about an option that the program does not have. */
  @ParameterizedTest
  @ValueSource(strings = {"cuda", "hip", "opencl", "--dry-run cuda", "--dry-run opencl"})
  void asksWhatTheProgramUnderstands(String options) throws Exception {
    check(options, "");
    List<String> calls = Files.readAllLines(temp.resolve("calls"));
    assertTrue(calls.size() > 10, calls.toString());
    PrintWriter nowhere = new PrintWriter(new StringWriter());
    try (Shell shell =
        new Shell(Commands::addTo, Shell.Use.SCRIPT, nowhere, nowhere, Look.PLAIN, false, false)) {
      for (String call : calls) {
        CommandLine line = new CommandLine(CommandLine.Model.CommandSpec.create());
        Commands.addTo(line, shell);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.parseArgs(Words.complete(call).getFirst().toArray(String[]::new));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vulkan", "--budget", "--budget soon", "--row -1"})
  void whatItDoesNotKnowIsRefused(String options) throws Exception {
    Result result = check(options, "");
    assertEquals(2, result.code());
    assertEquals(1, result.err().lines().count(), result.err());
  }
}
