package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.AnnealProcess;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What never ends, or never begins, is refused by name; streams that make sense are read. */
@Timeout(120)
@Execution(ExecutionMode.CONCURRENT)
class NothingHangsTest {
  private static final String EVENTS =
      """
      {"event":"started","run":"r","model":"m","parameters":1,"data":"d","backend":"cpu",\
      "device":"d","step":0,"steps":2,"tokens_per_step":128,"time":1000}
      {"event":"step","step":1,"loss":2.5,"lr":0.1,"grad_norm":1.0,"ms":1.0,\
      "tokens_per_s":1.0,"backend":"cpu","time":1001}
      """;

  private static final String COMPARISON =
      """
      {"event":"comparison","model":"saved model","batch":1,"sequence":2,"after":0,"steps":1,
       "devices":[{"backend":"cpu","device":"d","details":"","step_ms":1,"kinds_ms":{"Add":1}}]}
      """;

  @TempDir private Path folder;
  private Path pipe;

  @BeforeEach
  void makeAPipe() throws IOException, InterruptedException {
    pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
  }

  /** Every command that reads a file of a user's, with nothing else wrong. */
  private List<List<String>> readersOf(String file) {
    String out = folder.resolve("out").toString();
    String text = Outcome.text(folder).toString();
    return List.of(
        List.of("replay", file),
        List.of("compare", "--load", file),
        List.of("import", file, "--out", out),
        List.of("verify", "--checkpoint", file, "--state", file),
        List.of("sample", "--checkpoint", file),
        List.of("export", file, out),
        List.of("plot", "--run", file),
        List.of("dashboard", file),
        List.of("train", "--resume", file),
        List.of("train", "--data", file, "--out", out),
        List.of("train", "--data", text, "--val-data", file, "--out", out));
  }

  @Test
  void pipesThatNobodyWritesAreRefusedAtOnce() {
    for (List<String> words : readersOf(pipe.toString())) {
      Outcome outcome = Outcome.of(words);
      assertTrue(outcome.code() == 1 || outcome.code() == 2, words + ": " + outcome);
      outcome.refused(outcome.code(), pipe.toString());
    }
  }

  @Test
  void devicesWithoutAnEndAreRefusedAtOnce() {
    for (String device : List.of("/dev/zero", "/dev/urandom")) {
      for (List<String> words : readersOf(device)) {
        Outcome outcome = Outcome.of(words);
        assertTrue(outcome.code() == 1 || outcome.code() == 2, words + ": " + outcome);
        outcome.refused(outcome.code(), device);
      }
    }
  }

  @Test
  void aLogThatIsAPipeIsRefusedByItsName() throws IOException {
    Path run = Files.createDirectory(folder.resolve("run"));
    Files.move(pipe, run.resolve("log.jsonl"));
    Outcome.of("plot", "--run", run.toString()).refused(1, "log.jsonl");
    Outcome.of("dashboard", run.toString()).refused(1, "log.jsonl");
  }

  @Test
  void scriptsAreReadAsTheyComeAndEndWhereNoScriptGoesOn() throws IOException {
    CompletableFuture<Void> writer =
        CompletableFuture.runAsync(
            () -> {
              try {
                Files.writeString(pipe, "help quit\n");
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    assertTrue(Outcome.ok("-f", pipe.toString()).out().contains("quit"));
    writer.join();
    Outcome.of("-f", "/dev/zero").refused(1, "/dev/zero", "characters");
    Outcome.of("-f", "/dev/urandom").refused(1, "/dev/urandom");
    Outcome.of("-f", folder.toString()).refused(1, "is a directory");
    Outcome.of("-c", "source /dev/zero").refused(1, "/dev/zero", "characters");
    Path quote = Files.writeString(folder.resolve("quote"), "sample '" + "a\n".repeat(50_000));
    Outcome.of("-f", quote.toString()).refused(2, "quote:1", "is not closed");
  }

  @Test
  void aLineWithoutAnEndIsNotGathered() throws IOException {
    Path image = folder.resolve("disk.jsonl");
    try (var file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(1L << 33); // Sparse: more than a String can hold.
    }
    Outcome.of("replay", image.toString()).refused(1, "disk.jsonl", "characters");
    Outcome.of("compare", "--load", image.toString()).refused(1, "disk.jsonl", "bytes");
  }

  @Test
  void whatAShellSubstitutesIsRead() throws IOException, InterruptedException {
    Files.writeString(folder.resolve("events"), EVENTS);
    Files.writeString(folder.resolve("saved"), COMPARISON);
    AnnealProcess.Result result =
        AnnealProcess.shell(
            folder,
            Map.of(),
            "",
            "anneal -c 'replay --speed 0 /dev/fd/5; compare --load /dev/fd/6; source /dev/fd/7'"
                + " 5< <(cat events) 6< <(cat saved) 7< <(echo help quit)");
    assertEquals(0, result.code(), result.err());
    assertTrue(result.out().contains("saved model"), result.out());
    assertTrue(result.out().contains("quit"), result.out());
  }
}
