package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.AnnealProcess;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.Words;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** A corpus of any size trains in a small heap, and what does not fit is one line. */
@Execution(ExecutionMode.CONCURRENT)
class BoundedMemoryTest {
  private static final String HEAP = "-Xmx64m";
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  private Path large(String name, String before, String text, String after, int mebibytes)
      throws IOException {
    Path file = folder.resolve(name);
    byte[] mib = text.repeat(MIB / text.length()).getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(before.getBytes(StandardCharsets.UTF_8));
      for (int i = 0; i < mebibytes; i++) {
        out.write(mib);
      }
      out.write(after.getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }

  private String train(Path data, String more) {
    return TinyShell.train(folder, "r" + more.length(), "--steps 1 " + more)
        .replaceFirst("--data \\S+", "--data " + Words.quote(data.toString()));
  }

  private record Result(int code, String out, String err) {}

  /** A process with a small heap, whose caches are in the test's folder. */
  private Result anneal(String... arguments) throws IOException, InterruptedException {
    String line = AnnealProcess.line(Anneal.class, arguments).replace("'-cp'", HEAP + " '-cp'");
    assertTrue(line.contains(HEAP), line);
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", line)
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().put("XDG_CACHE_HOME", folder.resolve("cache").toString());
    Process process = builder.start();
    assertTrue(process.waitFor(100, TimeUnit.SECONDS));
    return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  @Test
  void aTextOfManyTimesTheHeapTrains() throws Exception {
    Path plain = large("plain.txt", "", "all the world is a stage \n", "", 200);
    Path lines = large("lines.txt", "", "all the world is a stage, and so \n", "", 30);
    Result result = anneal("-c", train(plain, "") + "; " + train(lines, "--documents line "));
    assertEquals(0, result.code(), result.err() + result.out());
    String said = result.out() + result.err();
    assertTrue(said.contains("plain.txt: 188,739,721 tokens"), said);
    assertTrue(said.contains("lines.txt, 925,"), said);
    try (var files = Files.list(folder.resolve("cache/anneal/tokens"))) {
      List<String> names = files.map(path -> path.getFileName().toString()).sorted().toList();
      assertEquals(2, names.size(), names.toString());
      // The text itself will do for one; of the other, the tokens are kept.
      assertTrue(names.stream().filter(name -> name.endsWith(".tokens")).count() == 1);
    }
  }

  @Test
  void whatDoesNotFitIsOneLineAndTheNextCommandRuns() throws Exception {
    Path one = large("one.jsonl", "{\"text\":\"", "a line that is far too long ", "\"}\n", 60);
    Result result = anneal("--keep-going", "-c", train(one, "") + "; status --json");
    assertEquals(1, result.code(), result.err());
    List<String> said = result.err().lines().filter(line -> !line.startsWith("reading ")).toList();
    assertTrue(said.getFirst().contains("heap of 6"), said.toString());
    assertTrue(said.getFirst().contains("ANNEAL_JAVA_OPTIONS=-Xmx1g"), said.toString());
    assertTrue(said.get(1).contains("there is no live run"), said.toString());
    assertEquals(2, said.size(), said.toString());
  }
}
