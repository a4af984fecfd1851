package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.checkpoint.RunLock;
import dev.anneal.run.log.RunLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code runs}: the list, and what can be done to its runs. */
class RunsListTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void train() throws IOException {
    cli = new Cli(temp);
    cli.ok(cli.train("first", "--steps 3 --val-every 3"));
    cli.ok(cli.train("second", "--steps 9 --until 'step>=2'"));
    // The first went on after the second.
    Files.setLastModifiedTime(
        cli.path("second/log.jsonl"), FileTime.from(Instant.parse("2026-01-02T03:04:05Z")));
  }

  private List<JsonNode> json() throws IOException {
    List<JsonNode> runs = new ArrayList<>();
    for (String line : cli.ok("runs " + temp + " --json").out().lines().toList()) {
      runs.add(new ObjectMapper().readTree(line));
    }
    return runs;
  }

  @Test
  void isNewestFirstWithinTheWidth() throws IOException {
    List<String> lines = cli.ok("runs " + temp).out().lines().toList();
    assertTrue(
        lines.get(0).matches("name +status +steps +loss +val_loss +lr +date +size"), lines.get(0));
    assertTrue(
        lines
            .get(1)
            .matches("first +done +3/3 +\\d\\.\\d{4} +\\d\\.\\d{4} +\\S+ +20\\S+ \\S+ +\\S+ kB"),
        lines.get(1));
    assertTrue(lines.get(2).matches("second +target +2/9 .*"), lines.get(2));
    lines.forEach(line -> assertTrue(line.length() <= 80, line));
    List<JsonNode> runs = json();
    assertEquals(
        List.of("first", "second"), runs.stream().map(n -> n.path("name").asText()).toList());
    assertTrue(runs.getFirst().path("loss").isNumber() && runs.getFirst().path("lr").isNumber());
    assertEquals("2026-01-02T03:04:05Z", runs.getLast().path("modified").asText());
    long bytes = 0;
    for (Path file : Files.walk(cli.path("first")).filter(Files::isRegularFile).toList()) {
      bytes += Files.size(file);
    }
    assertEquals(bytes, runs.getFirst().path("bytes").asLong());
  }

  @Test
  void notesAndTagsAreShown() throws IOException {
    cli.ok("runs tag " + cli.path("first") + " warm keep");
    cli.ok("runs note " + cli.path("first") + " 'a \033[31mred one'");
    cli.ok("runs tag " + cli.path("first") + " warm --remove");
    String list = cli.script("runs " + temp).out();
    assertTrue(list.contains("#keep"), list);
    assertFalse(list.contains("\033") || list.contains("#warm"), list);
    assertEquals("a \033[31mred one", json().getFirst().path("note").asText());
  }

  @Test
  void aRunIsRenamedAndGoesOn() throws IOException {
    cli.ok("runs mv " + cli.path("second") + " third");
    assertFalse(Files.exists(cli.path("second")));
    assertEquals(1, cli.run("runs mv " + cli.path("third") + " first").code());
    cli.ok("train --resume " + cli.path("third"));
    assertTrue(cli.ok("status " + cli.path("third")).out().startsWith("third  done  step 9/9"));
  }

  @Test
  void aRunIsDeletedAndNothingElse() throws IOException {
    Cli.Result unasked = cli.run("runs rm " + cli.path("first"));
    assertEquals(2, unasked.code(), unasked.all());
    assertTrue(unasked.err().contains("--yes"), unasked.err());
    try (RunLock held = RunLock.acquire(cli.path("first"))) {
      Cli.Result running = cli.run("runs rm --yes " + cli.path("second") + " " + cli.path("first"));
      assertEquals(1, running.code());
      assertTrue(running.err().contains("is being trained by this process"), running.err());
      assertTrue(Files.exists(cli.path("second/step_2")), "all or nothing");
      assertEquals("done", json().getFirst().path("status").asText(), "it is only loaded");
      assertEquals(1, cli.run("runs mv " + cli.path("first") + " other").code());
    }
    Files.writeString(cli.path("second/mine.txt"), "mine");
    Cli.Result result = cli.ok("runs rm --yes " + cli.path("first") + " " + cli.path("second"));
    assertTrue(result.err().contains("stays: there is mine.txt"), result.err());
    assertFalse(Files.exists(cli.path("first")));
    assertEquals(
        List.of("mine.txt"),
        Files.list(cli.path("second")).map(f -> f.getFileName().toString()).toList());
    Files.createDirectory(cli.path("photos"));
    assertEquals(1, cli.run("runs rm --yes " + cli.path("photos")).code());
    assertTrue(Files.exists(cli.path("photos")));
  }

  @Test
  void whatIsNotMeantIsRefused() {
    for (String line :
        List.of(
            "runs a b",
            "runs --yes",
            "runs rm",
            "runs mv first",
            "runs note first",
            "runs tag first",
            "runs note first x --remove",
            "runs mv nosuch other",
            "runs " + temp + "/nosuch")) {
      Cli.Result result = cli.run(line);
      assertTrue(result.code() != 0, line);
      assertEquals(1, result.err().lines().count(), line + result.err());
    }
  }

  @Test
  void saysWhatBecameOfEach() throws IOException {
    String list = "runs " + temp;
    Cli.Result result =
        cli.script(
            cli.train("live", "--steps 9 --paused")
                + "; step 2; "
                + list
                + "; branch child; "
                + list
                + "; stop; "
                + list);
    String out = result.out();
    assertEquals(0, result.code(), result.all());
    assertTrue(out.contains("live goes on from step 2 as " + cli.path("child")), out);
    List<String> rows = out.lines().filter(row -> row.matches("(live|child) .*2/9 .*")).toList();
    String words = rows.stream().map(r -> r.split(" +")[0] + " " + r.split(" +")[1]).toList() + "";
    assertTrue(words.startsWith("[live paused, "), words);
    assertTrue(words.contains("child paused, live branched"), words);
    assertTrue(words.contains("child stopped"), words);
    assertEquals(
        1, result.all().lines().filter(r -> r.startsWith("stopped after")).count(), result.all());
    assertTrue(cli.ok("status " + cli.path("live")).out().startsWith("live  branched  step 2/9"));
    // However coarse a file's clock is: of two that were written at once, the later begun is newer.
    FileTime now = FileTime.from(Instant.now());
    for (String name : List.of("live", "child")) {
      Files.setLastModifiedTime(temp.resolve(name).resolve(RunLog.EVENTS), now);
    }
    assertTrue(cli.ok(list).out().indexOf("child ") < cli.ok(list).out().indexOf("live "));
  }
}
