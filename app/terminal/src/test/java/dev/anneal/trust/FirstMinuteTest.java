package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.command.Commands;
import dev.anneal.terminal.shell.Candidates;
import dev.anneal.terminal.shell.CommandTable;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What someone meets who never saw this before. */
class FirstMinuteTest {
  /** Options that are off unless given, and those that have no default of their own. */
  private static final List<String> NO_DEFAULT =
      List.of(
          "--json",
          "--help",
          "--debug",
          "--dashboard",
          "--bg",
          "--fg",
          "--paused",
          "--resume",
          "--until",
          "--time-limit",
          "--model");

  @TempDir private Path temp;

  private record Result(int code, String out, String err) {}

  private static Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Anneal.run(args, new PrintWriter(out), new PrintWriter(err, true));
    return new Result(code, out.toString(), err.toString());
  }

  private static Shell shell() {
    PrintWriter nowhere = new PrintWriter(new StringWriter());
    return new Shell(Commands::addTo, Shell.Use.PROMPT, nowhere, nowhere, Look.PLAIN, false, false);
  }

  private static List<String> completed(String line) {
    try (Shell shell = shell()) {
      return new Candidates(shell)
          .of(Words.tail(line).words()).stream().map(Candidates.Candidate::word).toList();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 30, 79, 80, 100, 200})
  void allCommandsFitIntoTheTerminalWithWhatTheyDo(int width) {
    try (Shell shell = shell()) {
      List<String> lines = CommandTable.of(shell, width);
      String table = String.join("\n", lines);
      for (Candidates.Candidate command : new Candidates(shell).of(List.of(""))) {
        assertTrue(
            Pattern.compile("(^|\\s)" + command.word() + "\\s", Pattern.MULTILINE)
                .matcher(table + "\n")
                .find(),
            command.word());
        assertFalse(command.description().isBlank(), command.word());
      }
      assertTrue(lines.stream().allMatch(line -> line.length() < width), table);
      assertTrue(width < 80 || lines.size() < 24, table);
    }
  }

  @Test
  void everyKindOfArgumentIsCompleted() {
    assertTrue(completed("bench Matmul").contains("MatmulForward"));
    assertTrue(completed("bench --backend opencl layer").contains("layernorm_forward"));
    assertTrue(completed("train --kernel gelu_f").contains("gelu_forward=v2"));
    assertTrue(completed("set kernel adamw").contains("adamw=v1"));
    assertEquals(List.of("step>=", "loss<", "val_loss<"), completed("wait "));
    assertEquals(List.of("val_loss<"), completed("train --until v"));
    assertTrue(completed("train --model gpt2-1").contains("gpt2-124M"));
    assertEquals(List.of("gpt2"), completed("train --tokenizer g"));
    assertEquals(List.of("bf16"), completed("plan --dtype bf"));
    assertEquals(List.of("memory", "model"), completed("show m").stream().sorted().toList());
    assertTrue(completed("set ").containsAll(List.of("lr", "temperature", "kernel")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "trian|train",
        "train --stepz 3|--steps",
        "train --schedule cosin|cosine",
        "train --dtype bf61|bf16",
        "train --backend opencll|opencl",
        "help tran|train",
        "bench MatmulForwrd|MatmulForward",
        "show memry|memory"
      })
  void asksWhetherSomethingNearWasMeantAlsoInScripts(String example) {
    String[] parts = example.split("\\|");
    for (String[] args :
        List.of(parts[0].split(" "), new String[] {"-c", "alias x help; " + parts[0]})) {
      Result result = run(args);
      assertEquals(2, result.code(), result.err());
      assertTrue(result.err().contains("did you mean " + parts[1] + "?"), result.err());
    }
  }

  @Test
  void trainSaysEveryDefault() {
    String help = run("train", "--help").out().replaceAll("\n {20,}", " ");
    Matcher options = Pattern.compile("^ +(--[\\w-]+)(.*)$", Pattern.MULTILINE).matcher(help);
    int seen = 0;
    while (options.find()) {
      seen++;
      String what = options.group(2);
      assertTrue(
          NO_DEFAULT.contains(options.group(1)) || what.contains("default"), options.group());
    }
    assertTrue(seen > 40, help);
  }

  /** A run without options has the numbers that the help names. */
  @Test
  void theDefaultsThatTrainSaysAreThoseItUses() throws IOException {
    String help = run("train", "--help").out().replaceAll("\n {20,}", " ");
    // Only what makes it quick is given: its text, and a model that is built at once.
    String tiny =
        TinyShell.train(temp, "run", "")
            .replaceAll(" --(?!data|out|layers|channels|heads|threads)" + "[\\w-]+ \\S+", "");
    String shown = run("--json", "-c", tiny + " --paused; show config; show plan").out();
    JsonNode config =
        new ObjectMapper()
            .readTree(
                shown.lines().filter(l -> l.contains("\"what\":\"config\"")).findFirst().get())
            .path("config");
    assertEquals(said(help, "--steps"), find(config, "horizon"));
    assertEquals(said(help, "--batch"), find(config, "batch"));
    assertEquals(said(help, "--seq"), find(config, "sequence"));
    assertEquals(said(help, "--lr"), find(config, "peak"));
    assertEquals(said(help, "--warmup"), find(config, "warmup"));
    assertEquals(said(help, "--val-every"), find(config, "evaluate"));
    assertEquals(said(help, "--checkpoint-every"), find(config, "checkpoint"));
  }

  private static double said(String help, String option) {
    Matcher matcher = Pattern.compile(option + "[= ].*?by default (\\S+?)[,;]? ").matcher(help);
    assertTrue(matcher.find(), option);
    return Double.parseDouble(matcher.group(1));
  }

  private static double find(JsonNode config, String name) {
    JsonNode value = config.findValue(name);
    assertTrue(value != null && value.isNumber(), name + " in " + config);
    return value.asDouble();
  }

  @Test
  void commandsWithoutWordsSayWhatThereIs() {
    Result apropos = run("apropos");
    assertEquals(0, apropos.code(), apropos.err());
    assertTrue(apropos.out().contains("apropos WORD"), apropos.out());
    Result show = run("show");
    assertEquals(0, show.code(), show.err());
    for (String what : List.of("config", "model", "plan", "memory", "kernels", "run")) {
      assertTrue(show.out().lines().anyMatch(line -> line.startsWith(what + " ")), show.out());
    }
    assertEquals(1, run("apropos", "nosuchword").code());
  }

  @Test
  void helpClaimsNoHardwareThatWasNotSeen() {
    String help = run("--help").out();
    assertFalse(help.contains("any vendor"), help);
  }
}
