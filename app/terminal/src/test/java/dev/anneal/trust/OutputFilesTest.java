package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.AnnealProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Whatever a user names to be written: nothing that is not of the kind is replaced. */
@Execution(ExecutionMode.CONCURRENT)
class OutputFilesTest {
  private static final String CORPUS = "It was the best of times, it was the worst of times.\n";

  @TempDir private static Path folder;
  private static Path run;
  private static Path comparison;

  @TempDir private Path temp;

  /** A command that writes the file of a name; {@code suffix} is what the name ends in. */
  private record Writer(String suffix, UnaryOperator<String> line) {
    Outcome to(Path file, String more) {
      return Outcome.of("-c", line.apply("'" + file + "'" + more));
    }
  }

  private static List<Writer> writers() {
    String load = "load '" + run + "'; ";
    String compared = "compare --load '" + comparison + "' --out ";
    List<Writer> writers = new ArrayList<>();
    writers.add(new Writer(".bin", file -> "export '" + run + "' " + file));
    writers.add(new Writer(".jsonl", file -> load + "record " + file + "; record stop"));
    for (String suffix : List.of(".svg", ".png")) {
      writers.add(new Writer(suffix, file -> "plot --run '" + run + "' " + file));
    }
    for (String suffix : List.of(".md", ".csv", ".json", ".svg")) {
      writers.add(new Writer(suffix, file -> compared + file));
    }
    return writers;
  }

  @BeforeAll
  static void make() throws IOException {
    run = folder.resolve("run");
    Outcome.ok(Outcome.tiny(folder, "run", "--val-every", "2"));
    comparison = folder.resolve("saved.json");
    Files.writeString(
        comparison,
        """
        {"event":"comparison","model":"m","batch":1,"sequence":2,"after":0,"steps":1,
         "devices":[{"backend":"cpu","device":"d","details":"","step_ms":1,"kinds_ms":{"Add":1}}]}
        """);
  }

  private Path pipe(String name) throws IOException {
    Path pipe = temp.resolve(name);
    try {
      assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return pipe;
  }

  private static CompletableFuture<byte[]> readerOf(Path pipe) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return Files.readAllBytes(pipe);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private List<String> names() throws IOException {
    try (Stream<Path> paths = Files.list(temp)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void everyCommandReplacesItsOwnKindAndNoOther() throws IOException {
    for (Writer writer : writers()) {
      Path file = temp.resolve("file" + writer.suffix());
      Files.writeString(file, CORPUS.repeat(100));
      Outcome refused = writer.to(file, "");
      assertEquals(1, refused.code(), refused.err());
      assertTrue(
          refused.err().contains(file + " is there and is not a")
              && refused.err().contains("--force"),
          refused.err());
      assertEquals(CORPUS.repeat(100), Files.readString(file), writer.suffix());
      assertEquals(0, writer.to(file, " --force").code(), writer.suffix());
      byte[] written = Files.readAllBytes(file);
      assertFalse(new String(written, StandardCharsets.UTF_8).contains(CORPUS));
      Outcome again = writer.to(file, "");
      assertEquals(0, again.code(), again.err());
      if (!writer.suffix().equals(".jsonl")) { // Its events have the time.
        assertArrayEquals(written, Files.readAllBytes(file), writer.suffix());
      }
      Files.delete(file);
      assertEquals(List.of(), names());
    }
  }

  @Test
  void anEmptyFileHoldsNothingToLose() throws IOException {
    Path file = Files.createFile(temp.resolve("made-by-mktemp"));
    Outcome.ok("export", run.toString(), file.toString());
    assertTrue(Files.size(file) > 0);
  }

  @Test
  void aLinkStaysAndItsTargetIsReplacedWithItsPermissions() throws IOException {
    for (Writer writer : writers()) {
      Path target = temp.resolve("target" + writer.suffix());
      Path link = temp.resolve("link" + writer.suffix());
      Files.createSymbolicLink(link, Path.of("target" + writer.suffix()));
      assertEquals(0, writer.to(link, "").code(), "a link to nothing makes its target");
      assertTrue(Files.isRegularFile(target), writer.suffix());
      Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-r-----"));
      assertEquals(0, writer.to(link, "").code());
      assertTrue(Files.isSymbolicLink(link), writer.suffix());
      assertEquals(
          "rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(target)));
      Files.delete(link);
      Files.delete(target);
    }
  }

  @Test
  void aLinkToSomethingElseIsRefused() throws IOException {
    Path corpus = Files.writeString(temp.resolve("corpus.txt"), CORPUS);
    Path link = Files.createSymbolicLink(temp.resolve("link.bin"), corpus);
    Outcome.of("export", run.toString(), link.toString()).refused(1, "link.bin is there");
    assertEquals(CORPUS, Files.readString(corpus));
  }

  @Test
  void anotherHardLinkKeepsWhatItHad() throws IOException {
    Path file = temp.resolve("one.svg");
    Files.writeString(file, "<svg>mine</svg>");
    Path other = Files.createLink(temp.resolve("two.svg"), file);
    Outcome.ok("plot", "--run", run.toString(), file.toString());
    assertEquals("<svg>mine</svg>", Files.readString(other));
  }

  @Test
  void aPipeIsWrittenToAndStaysOne() throws IOException {
    Path plain = temp.resolve("plain.bin");
    Outcome.ok("export", run.toString(), plain.toString());
    Path pipe = pipe("pipe.bin");
    CompletableFuture<byte[]> read = readerOf(pipe);
    Outcome.ok("export", run.toString(), pipe.toString());
    assertArrayEquals(Files.readAllBytes(plain), read.join());
    assertFalse(Files.isRegularFile(pipe));
    Path events = pipe("pipe");
    CompletableFuture<byte[]> record = readerOf(events);
    assertEquals(
        0, Outcome.of("-c", "load '" + run + "'; record '" + events + "'; record stop").code());
    assertTrue(new String(record.join(), StandardCharsets.UTF_8).startsWith("{\"event\":"));
    assertFalse(Files.isRegularFile(events));
    Path drawn = pipe("without-an-ending");
    CompletableFuture<byte[]> picture = readerOf(drawn);
    Outcome.ok("plot", "--run", run.toString(), drawn.toString());
    assertTrue(new String(picture.join(), StandardCharsets.UTF_8).contains("<svg"));
  }

  @Test
  void aDeviceIsWrittenToAndStaysOne() throws IOException {
    // By a link, so that a fault would cost the link alone.
    Path full = Files.createSymbolicLink(temp.resolve("full.svg"), Path.of("/dev/full"));
    Outcome.of("export", run.toString(), full.toString()).refused(1, "No space left on device");
    Outcome.of("plot", "--run", run.toString(), full.toString())
        .refused(1, "No space left on device");
    assertTrue(Files.isSymbolicLink(full));
    assertFalse(Files.isRegularFile(Path.of("/dev/full")));
    Path none = Files.createSymbolicLink(temp.resolve("null.bin"), Path.of("/dev/null"));
    Outcome.ok("export", run.toString(), none.toString());
    assertTrue(Files.isSymbolicLink(none));
    assertEquals(List.of("full.svg", "null.bin"), names());
  }

  @Test
  void standardOutputIsAStreamUnderAllItsNames() throws IOException, InterruptedException {
    Path plain = temp.resolve("plain.bin");
    Outcome.ok("export", run.toString(), plain.toString());
    AnnealProcess.Result result =
        AnnealProcess.shell(
            temp,
            Map.of(),
            "",
            "(printf first; anneal export '%s' /dev/stdout; printf last) > all; ".formatted(run)
                + "(printf first; cat plain.bin; printf last) | cmp - all && "
                + "anneal export '%s' - | cmp - plain.bin".formatted(run));
    assertEquals(0, result.code(), result.out() + result.err());
    assertTrue(result.err().contains("/dev/stdout ("), "what was written is told elsewhere");
  }

  @Test
  void placesThatCannotBeWrittenToTakeOneLine() throws IOException {
    String from = run.toString();
    Outcome.of("export", from, temp.toString()).refused(1, "is a directory");
    Outcome.of("export", from, temp.resolve("no/where.bin").toString())
        .refused(1, "the directory " + temp.resolve("no") + " does not exist");
    Path file = Files.createFile(temp.resolve("file"));
    Outcome.of("export", from, file.resolve("below").toString()).refused(1, "is no directory");
    Outcome.of("export", from, "").refused(2, "is empty");
    Outcome.of("export", from, temp.resolve("x".repeat(256)).toString())
        .refused(1, "File name too long");
    Path circle = temp.resolve("circle");
    Files.createSymbolicLink(circle, circle);
    Outcome.of("export", from, circle.toString()).refused(1, "circle", "links");
    Path longest = temp.resolve("x".repeat(255));
    Outcome.ok("export", from, longest.toString());
    assertEquals(List.of("circle", "file", "x".repeat(255)), names());
  }

  @Test
  void anExportThatFailsLeavesWhatWasThere() throws IOException {
    Path copy = temp.resolve("copy");
    Outcome.ok(Outcome.tiny(temp, "copy"));
    Path file = temp.resolve("model.bin");
    Outcome.ok("export", copy.toString(), file.toString());
    byte[] whole = Files.readAllBytes(file);
    try (Stream<Path> paths = Files.walk(copy)) {
      for (Path path : paths.filter(p -> p.endsWith("model.safetensors")).toList()) {
        byte[] bytes = Files.readAllBytes(path);
        Files.write(path, Arrays.copyOf(bytes, bytes.length / 2));
      }
    }
    assertEquals(1, Outcome.of("export", copy.toString(), file.toString()).code());
    assertArrayEquals(whole, Files.readAllBytes(file));
    assertEquals(List.of("copy", "model.bin", "text.txt"), names());
  }

  @Test
  void theLogOfARunIsNoRecord() throws IOException {
    Path log = run.resolve("log.jsonl");
    long size = Files.size(log);
    Path link = Files.createSymbolicLink(temp.resolve("other"), log);
    for (Path name : List.of(log, link)) {
      Outcome refused = Outcome.of("-c", "load '" + run + "'; record '" + name + "' --force");
      assertEquals(1, refused.code());
      assertTrue(refused.err().contains("is the log of a run"), refused.err());
    }
    assertTrue(Files.size(log) >= size);
  }

  @Test
  void forceWithoutAFileIsRefused() {
    Outcome.of("plot", "--run", run.toString(), "--force").refused(2, "--force");
    Outcome.of("compare", "--load", comparison.toString(), "--force").refused(2, "--force");
    Outcome.of("plot", "--run", run.toString(), "x.svg", "--width", "50").refused(2, "--width");
  }
}
