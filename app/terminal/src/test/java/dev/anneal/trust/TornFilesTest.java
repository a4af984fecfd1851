package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of ours that a kill or a full disk has cut, within a character or a line. */
class TornFilesTest {
  /** The beginning of a line that ends within a character. */
  private static final byte[] TORN = {'{', '"', 't', 'e', 'x', 't', '"', ':', '"', (byte) 0xc3};

  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void train() throws IOException {
    cli = new Cli(temp);
    cli.ok(cli.train("other", "--steps 2"));
    cli.ok(cli.train("torn", "--steps 4 --until 'step>=2'"));
    for (String log : List.of("torn/log.jsonl", "torn/main.log")) {
      Files.write(cli.path(log), TORN, StandardOpenOption.APPEND);
    }
  }

  private String line() throws IOException {
    return cli.path("torn/log.jsonl")
        + ", line "
        + Files.readString(cli.path("torn/log.jsonl"), java.nio.charset.StandardCharsets.ISO_8859_1)
            .lines()
            .count()
        + " is torn; it is passed over";
  }

  @Test
  void aTornLogIsNamedAndPassedOver() throws IOException {
    String torn = line();
    Cli.Result runs = cli.ok("runs " + temp);
    assertTrue(runs.out().contains("\nother") || runs.out().contains("\ntorn"), runs.out());
    assertEquals(3, runs.out().lines().count(), runs.out());
    assertEquals(1, runs.err().lines().count(), runs.err());
    assertTrue(runs.err().contains(torn), runs.err());
    String run = cli.path("torn").toString();
    assertTrue(cli.ok("status " + run).out().contains("step 2/4"));
    cli.ok("plot --run " + run);
    cli.ok("dashboard --once " + run);
    Cli.Result resumed = cli.ok("train --resume " + run);
    assertTrue(resumed.err().contains(torn), resumed.err());
    assertEquals(4, cli.events("torn", "step").size(), "no line was glued to the torn one");
    assertTrue(
        Files.readString(cli.path("torn/main.log"), java.nio.charset.StandardCharsets.ISO_8859_1)
            .contains("\ns:2 trl:"));
  }

  @Test
  void othersAreTakenForWhatTheyAre() throws IOException {
    String run = cli.path("torn").toString();
    Files.write(cli.path("torn/run.lock"), new byte[] {'p', 'r', (byte) 0xff, 0, 27});
    Files.write(cli.path("torn/notes.json"), TORN);
    Files.write(cli.path("torn/config.json"), TORN);
    cli.ok("runs " + temp);
    cli.ok("runs tag " + run + " x");
    cli.ok("train --resume " + run);
    Files.write(cli.path("record.jsonl"), TORN);
    Cli.Result record = cli.run("replay " + cli.path("record.jsonl"));
    assertEquals(1, record.code());
    assertTrue(record.err().contains("has no event"), record.err());
  }
}
