package dev.anneal.terminal.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.terminal.Anneal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands from files and arguments. */
class ScriptTest {
  @TempDir private Path temp;

  private static TinyShell.Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Anneal.run(args, new PrintWriter(out), new PrintWriter(err, true));
    return new TinyShell.Result(code, out.toString(), err.toString());
  }

  private Path script(String text) throws IOException {
    return Files.writeString(temp.resolve("script.anneal"), text);
  }

  private String train(String more) {
    return TinyShell.train(temp, "run", more);
  }

  @Test
  void stopsAtTheFirstErrorAndSaysWhere() throws IOException {
    Path file = script("# a comment\nhelp step; help stop\nrewind\nhelp sample\n");
    TinyShell.Result result = run("-f", file.toString());
    assertEquals(2, result.code());
    assertEquals(
        file + ":3: Missing required parameter: 'STEP'; see help rewind", result.errorLine());
    assertTrue(
        result.out().contains("Make some steps") && result.out().contains("Finish the step"));
    assertFalse(result.out().contains("Generate text"));
  }

  @Test
  void goesOnWhenToldTo() throws IOException {
    Path file = script("nosuch\nload " + temp.resolve("none") + "\nhelp sample\n");
    TinyShell.Result result = run("--keep-going", "-f", file.toString());
    assertEquals(2, result.code(), "that of the first that failed");
    List<String> lines = result.err().lines().toList();
    assertEquals(2, lines.size(), result.err());
    assertTrue(lines.get(0).startsWith(file + ":1: there is no command nosuch"), lines.get(0));
    assertTrue(lines.get(1).startsWith(file + ":2: there is no run"), lines.get(1));
    assertTrue(result.out().contains("Generate text"));
  }

  @Test
  void everyFailureHasItsExitCode() {
    assertEquals(0, run("-c", "help; # nothing else").code());
    assertEquals(0, run("-c", "").code());
    TinyShell.Result usage = run("-c", "help; step");
    assertEquals(2, usage.code());
    assertTrue(usage.errorLine().startsWith("-c:1: there is no live run"), usage.err());
    TinyShell.Result failed = run("-c", "load /no/such/run");
    assertEquals(1, failed.code());
    TinyShell.Result numbers = run("-c", train("--steps 50 --lr 1e30 --clip 0"));
    assertEquals(4, numbers.code(), numbers.err());
    assertTrue(numbers.err().lines().toList().getLast().startsWith("-c:1: the loss of step"));
    assertEquals(1, run("-f", temp.resolve("none").toString()).code());
    assertEquals(2, run("--nosuch").code());
    assertEquals(2, run("-c").code());
  }

  @Test
  void aLineGoesOnWhileAQuoteIsOpen() throws IOException {
    Path file = script("help \\\nstep\nalias s 'help\nstop'\ns nosuch\n");
    TinyShell.Result result = run("-f", file.toString());
    assertEquals(2, result.code());
    assertTrue(
        result.errorLine().startsWith(file + ":5: 'nosuch' is one word too many"), result.err());
    TinyShell.Result open = run("-f", script("help step\nsample 'abc\nhelp stop\n").toString());
    assertEquals(2, open.code());
    assertEquals(file + ":2: the quote that opens here is not closed", open.errorLine());
  }

  @Test
  void sourcedFilesNameThemselves() throws IOException {
    Path inner = Files.writeString(temp.resolve("inner"), "help step\n\nnosuch\n");
    Path outer = script("help stop\nsource " + inner + "\nhelp sample");
    TinyShell.Result result = run("-f", outer.toString());
    assertEquals(2, result.code());
    assertTrue(result.errorLine().startsWith(inner + ":3: there is no command"), result.err());
    Path circle = Files.writeString(temp.resolve("circle"), "source " + temp.resolve("circle"));
    TinyShell.Result round = run("-c", "source " + circle);
    assertEquals(2, round.code());
    assertTrue(round.errorLine().contains("16 times over"), round.err());
  }

  @Test
  void aliasesTakeOptionsAndAreChecked() {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok("alias h help --json; h step");
      assertTrue(shell.ok("h").startsWith("{\"event\":\"command\""));
      shell.ok("alias both 'help step; help'; alias help help");
      assertTrue(shell.ok("both stop").contains("Finish the step"));
      for (String bad : List.of("alias x \"it's\"", "alias x ';;'", "alias x '\\'")) {
        TinyShell.Result result = shell.run(bad);
        assertEquals(2, result.code(), bad);
        assertEquals(1, result.err().lines().count());
      }
      assertEquals(2, shell.run("x").code());
      shell.ok("alias a b; alias b a");
      assertEquals(2, shell.run("a").code(), "a circle ends");
    }
  }

  @Test
  void resultsGoOutAndProgressToStandardError() {
    TinyShell.Result result =
        run("-c", train("--steps 4 --val-every 2") + "; status; sample --tokens 3 the");
    assertEquals(0, result.code(), result.err());
    assertTrue(result.out().startsWith("run  done  step 4/4\n"), result.out());
    String sample =
        result.out().lines().dropWhile(line -> !line.startsWith("the")).findFirst().get();
    assertTrue(sample.length() <= "the".length() + 3, "three tokens, told once: " + sample);
    assertTrue(result.err().contains("step=4/4 loss="), result.err());
    assertTrue(result.err().contains("step 2  val_loss"), result.err());
    assertFalse((result.out() + result.err()).contains("\033"), "no escape code in a pipe");
    assertFalse((result.out() + result.err()).contains("\r"));
  }

  /** Every command that needs no second machine, one object per line and nothing else. */
  @Test
  void everyCommandSpeaksJson() throws IOException {
    String record = temp.resolve("record.jsonl").toString();
    TinyShell.Result result =
        run(
            "--json",
            "-c",
            train("--steps 100000 --bg")
                + "; wait step>=3; pause; status; set; set lr 0.001; show config; show model;"
                + " show plan; show memory; show run; show kernels; inspect; inspect wte.weight;"
                + " sample --tokens 4 the; step 2; rewind 1; save; save; record "
                + record
                + "; step; record stop; branch child; runs "
                + temp
                + "; alias s status; alias; s; time status; watch --count 1 status; history;"
                + " apropos run; help status; help; plan --seq 16 --context 16; backends; plot;"
                + " plot "
                + temp.resolve("x.svg")
                + "; dashboard --once; dashboard; stop; wait; replay --speed 0 "
                + record
                + "; export "
                + temp.resolve("run")
                + " "
                + temp.resolve("model.bin")
                + "; chat; source /dev/null; resume; pause; quit");
    assertEquals(0, result.code(), result.err());
    List<JsonNode> nodes = result.json();
    assertTrue(nodes.stream().allMatch(JsonNode::isObject));
    String events =
        nodes.stream()
            .map(n -> n.path("event").asText("-"))
            .distinct()
            .collect(Collectors.joining(" "));
    for (String event :
        List.of(
            "started",
            "state",
            "status",
            "settings",
            "changed",
            "inspect",
            "sample",
            "rewound",
            "saved",
            "wrote",
            "recording",
            "branched",
            "run",
            "alias",
            "time",
            "found",
            "help",
            "command",
            "curve",
            "frame",
            "ended",
            "step")) {
      assertTrue((" " + events + " ").contains(" " + event + " "), event + " of " + events);
    }
  }

  @Test
  void aPromptMayBeginWithAnAt() throws IOException {
    Path file = Files.writeString(temp.resolve("arguments"), "--tokens 1");
    TinyShell.Result result = run("-c", train("--steps 1") + "; sample --tokens 2 @" + file);
    assertEquals(0, result.code(), result.err());
    assertTrue(result.out().contains("@" + file), result.out());
  }

  /** A model that has learnt escape sequences writes them. */
  @Test
  void whatAModelWritesCannotControlTheTerminal() throws IOException {
    Files.writeString(temp.resolve("text.txt"), "\033[31m\007\033]0;owned\007\b\r".repeat(400));
    TinyShell.Result result =
        run(
            "-c",
            train("--steps 60 --lr 0.02 --sample-every 60 --sample-tokens 40")
                + "; sample --temperature 0 --tokens 60 '\033[31m'; dashboard --once; status");
    assertEquals(0, result.code(), result.err());
    assertTrue(result.out().contains("␛[31m␇␛]0;"), result.out());
    assertTrue(
        (result.out() + result.err())
            .chars()
            .allMatch(c -> c == '\n' || !Character.isISOControl(c)));
  }

  @Test
  void namesCannotControlTheTerminalEither() {
    String name = "'odd\033[31m\007name'";
    String odd = temp.resolve("odd\033[31m\007name").toString();
    TinyShell.Result result =
        run(
            "--keep-going",
            "-c",
            TinyShell.train(temp, "odd\033[31m\007name", "--steps 2 --bg")
                + "; wait; status; runs "
                + temp
                + "; show run; dashboard --once; plot; plot '"
                + odd
                + "/x.gif'; load "
                + name
                + "; inspect "
                + name
                + "; set "
                + name
                + " 1; "
                + name
                + "; source "
                + name
                + "; train --"
                + name
                + "; status '"
                + odd
                + "'; alias x "
                + name
                + "; alias");
    assertTrue(result.out().contains("odd␛[31m␇name"), result.out());
    assertTrue(result.err().contains("odd␛[31m␇name"), result.err());
    assertTrue(
        (result.out() + result.err())
            .chars()
            .allMatch(c -> c == '\n' || !Character.isISOControl(c)),
        result.out() + result.err());
  }
}
