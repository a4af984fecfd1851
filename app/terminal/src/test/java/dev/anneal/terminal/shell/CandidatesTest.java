package dev.anneal.terminal.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.eval.selftest.SelfTest;
import dev.anneal.run.Devices;
import dev.anneal.terminal.text.Words;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What half-typed words could become. */
class CandidatesTest {
  @TempDir private Path temp;
  private TinyShell shell;

  @BeforeEach
  void open() {
    shell = new TinyShell(temp);
  }

  @AfterEach
  void close() {
    shell.close();
  }

  private List<String> of(String line) {
    return new Candidates(shell.shell())
        .of(Words.tail(line).words()).stream().map(Candidates.Candidate::word).toList();
  }

  @Test
  void commandsAndAliases() {
    shell.ok("alias stop-now stop");
    assertEquals(
        List.of("status", "step", "stop", "stop-now"), of("st").stream().sorted().toList());
    assertTrue(of("").size() > 30);
    assertEquals(List.of(), of("nosuch"));
    assertEquals(List.of(), of("nosuch "));
    assertEquals(List.of("status"), of("pause; stat"));
    assertEquals(List.of("status"), of("watch stat"));
    assertEquals(List.of("status"), of("time watch stat"));
    assertEquals(List.of("branch"), of("help br"));
    assertTrue(
        new Candidates(shell.shell())
            .of(List.of("branch"))
            .getFirst()
            .description()
            .startsWith("Go on from"));
  }

  /** Of the backend that is named, or of any; as a device that is here makes them. */
  @Test
  void checks() {
    assertEquals(List.of("gelu_forward", "gelu_backward"), of("selftest --backend cpu gelu_"));
    assertTrue(of("selftest --backend cuda gelu_").contains("gelu_forward_v2"));
    assertTrue(of("selftest step_heads_64 fused_bias_").contains("fused_bias_gelu"));
    assertTrue(of("selftest gelu_").containsAll(List.of("gelu_forward", "gelu_forward_v1")));
    SelfTest.Settings all = new SelfTest.Settings(List.of(), List.of(), 1, false);
    try (Device cpu = Devices.open("cpu", 0, DeviceOptions.threads(1));
        SelfTest test =
            new SelfTest(cpu, () -> Devices.open("cpu", 0, DeviceOptions.threads(1)), all)) {
      assertEquals(new TreeSet<>(test.names()), new TreeSet<>(of("selftest --backend cpu ")));
    }
  }

  @Test
  void optionsAndTheirValues() {
    assertEquals(List.of("--steps"), of("train --step"));
    assertTrue(of("train --").contains("--val-every"));
    assertEquals(List.of("cosine", "constant"), of("train --schedule co"));
    assertEquals(List.of("step", "tokens", "time"), of("plot --x "));
    assertEquals(List.of("loss"), of("plot --metric lo"));
    assertTrue(of("train --backend ").contains("cpu"));
    assertEquals(List.of("config"), of("show co"));
    shell.ok("alias t train --bg");
    assertEquals(List.of("--steps"), of("t --step"));
  }

  @Test
  void settingsAndRecords() {
    assertEquals(List.of("temperature"), of("set te"));
    assertEquals(List.of(), of("set lr "));
    assertTrue(of("record st").contains("stop"));
  }

  @Test
  void filesWithOddNames() throws IOException {
    Files.createDirectories(temp.resolve("my runs"));
    Files.writeString(temp.resolve("my file.txt"), "");
    Files.writeString(temp.resolve("esc\033[31m.txt"), "");
    String folder = temp + "/";
    assertEquals(
        List.of(folder + "my file.txt", folder + "my runs/"), of("source '" + folder + "my"));
    Candidates.Candidate runs =
        new Candidates(shell.shell()).of(List.of("source", folder + "my r")).getFirst();
    assertFalse(runs.whole(), "a folder may go on");
    assertEquals(
        List.of("'" + folder + "my runs/'"),
        new Candidates(shell.shell()).words("source '" + folder + "my r"));
    assertEquals(List.of(), of("source /no/such/folder/x"));
    for (String word : new Candidates(shell.shell()).words("source " + folder + "esc")) {
      assertTrue(word.codePoints().noneMatch(Character::isISOControl), "shown, never sent");
    }
  }

  @Test
  void tensorsOfAPausedRun() {
    assertEquals(List.of(), of("inspect w"));
    shell.ok(shell.train("run", "--steps 9"));
    shell.ok("pause");
    assertTrue(
        of("inspect w").containsAll(List.of("wte.weight", "wpe.weight")),
        of("inspect w").toString());
    assertEquals(List.of(), of("inspect wte.weight "));
  }
}
