package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.setting.Setting;
import dev.anneal.terminal.command.Commands;
import dev.anneal.terminal.shell.Language;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.terminal.text.Look;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Any combination of any command's options is used or refused; there is no third outcome. */
class AnyOptionsTest {
  private static final int COMBINATIONS = 50;

  /** A command that has hardly more than {@code --help} and {@code --json} has fewer. */
  private static final int FEW_OPTIONS = 4;

  private static final int FEW_COMBINATIONS = 8;

  /** Those that measure, or look for libraries. */
  private static final Map<String, Integer> FEWER =
      Map.of("bench", 1, "compare", 2, "backends", 2, "verify", 10, "selftest", 8);

  /** These wait for a person, or act on what is not this test's. */
  private static final Set<String> LEFT_OUT = Set.of("watch", "runs", "quit");

  private static final Set<Integer> CODES = Set.of(0, 1, 2, 3, 4);

  @TempDir private Path temp;
  private final Random random = new Random(13);
  private int names;

  @BeforeEach
  void trainOne() {
    Outcome.ok(Outcome.tiny(temp, "run"));
  }

  private Map<String, CommandLine> commands() {
    CommandLine line = new CommandLine(CommandSpec.create());
    Commands.addTo(line, shell(new StringWriter(), new StringWriter()));
    return line.getSubcommands();
  }

  private static Shell shell(StringWriter out, StringWriter err) {
    return new Shell(
        Commands::addTo,
        Shell.Use.SCRIPT,
        new PrintWriter(out, true),
        new PrintWriter(err, true),
        Look.PLAIN,
        false,
        false);
  }

  private String oneOf(String... values) {
    return values[random.nextInt(values.length)];
  }

  private String value(ArgSpec arg, String name) {
    Class<?> type = arg.auxiliaryTypes().length > 0 ? arg.auxiliaryTypes()[0] : arg.type();
    if (type.isEnum()) {
      return random.nextInt(8) == 0
          ? "nonsense"
          : type.getEnumConstants()[random.nextInt(type.getEnumConstants().length)].toString();
    }
    if (type == Double.class
        || type == double.class
        || type == Float.class
        || type == float.class) {
      return oneOf("0", "0.5", "1", "1e-3", "0.9", "-1", "NaN", "x");
    }
    if (Number.class.isAssignableFrom(type) || type == int.class || type == long.class) {
      return oneOf("1", "2", "3", "4", "8", "1", "2", "0", "-1", "x", "2147483648");
    }
    return switch (name) {
      case "--data", "--val-data" -> oneOf(Outcome.text(temp).toString(), "missing.txt");
      case "--backend" -> oneOf("cpu", "auto", "nonsense");
      case "--resume", "--checkpoint", "RUN" -> oneOf(temp.resolve("run").toString(), "missing");
      case "--until", "CONDITION" -> oneOf("step>=2", "loss<1", "nonsense");
      case "--tokenizer" -> oneOf("byte", "gpt2", "nonsense");
      case "--model" -> "nonsense";
      case "BACKEND" -> oneOf("cpu", "cpu", "cpu:1", "nonsense");
      case "--size" -> oneOf("80x24", "1x1", "nonsense", "0x0");
      default -> temp.resolve("new-" + names++ + oneOf(".bin", ".svg", ".jsonl", "")).toString();
    };
  }

  /** A command with some of its options, each at most once, and mostly with its operands. */
  private List<String> combination(String name, CommandSpec spec) {
    List<String> words = new ArrayList<>(List.of(name));
    for (OptionSpec option : spec.options()) {
      String longest = option.longestName();
      boolean heavy = longest.equals("--steps") && name.equals("verify");
      if (longest.equals("--help") || heavy || random.nextInt(spec.options().size()) > 3) {
        continue;
      }
      words.add(longest);
      if (option.arity().max() > 0) {
        words.add(value(option, longest));
      }
    }
    if (name.equals("dashboard") && !words.contains("--once")) {
      words.add("--once");
    }
    if (name.equals("selftest") && !words.contains("--quick")) {
      words.add("--quick");
    }
    for (ArgSpec operand : spec.positionalParameters()) {
      if (random.nextInt(4) > 0) {
        words.add(value(operand, operand.paramLabel().replaceAll("[\\[\\]. ]", "")));
      }
    }
    return words;
  }

  private static void assertUsedOrRefused(List<String> words, Outcome outcome) {
    String told = String.join(" ", words) + "\n" + outcome.code() + "\n" + outcome.err();
    assertTrue(CODES.contains(outcome.code()), told);
    for (String third : List.of("fault of ours", "\tat ", "Exception", "java.")) {
      assertFalse(outcome.err().contains(third), told);
    }
    if (outcome.code() == 2) {
      assertEquals(1, outcome.err().lines().count(), told);
    } else if (outcome.code() != 0) {
      assertFalse(outcome.err().isBlank(), told);
    }
  }

  @Test
  void trainUsesOrRefusesAnyOptions() throws IOException {
    CommandSpec spec = commands().get("train").getCommandSpec();
    int trained = 0;
    for (int i = 0; i < COMBINATIONS; i++) {
      String out = "train-" + i;
      List<String> given = combination("train", spec);
      given.removeFirst();
      int at = given.indexOf("--out");
      if (at >= 0) {
        given.subList(at, at + 2).clear();
      }
      boolean resumes = given.contains("--resume");
      List<String> words =
          resumes
              ? new ArrayList<>(List.of("train", "--out", temp.resolve(out).toString()))
              : new ArrayList<>(List.of(Outcome.tiny(temp, out, given.toArray(String[]::new))));
      if (resumes) {
        words.addAll(given);
      } else if (given.contains("--data")) {
        words.subList(1, 3).clear();
      }
      Outcome outcome = Outcome.of(words);
      assertUsedOrRefused(words, outcome);
      if (outcome.code() == 0 && !resumes) {
        assertRecorded(given, temp.resolve(out), words);
        trained++;
      }
    }
    assertTrue(trained > 3, "only " + trained + " combinations trained");
  }

  /** What was taken is in the configuration that the run's checkpoint has. */
  private static void assertRecorded(List<String> given, Path run, List<String> words)
      throws IOException {
    Path manifest;
    try (var files = Files.walk(run)) {
      manifest = files.filter(f -> f.endsWith("manifest.json")).findFirst().orElseThrow();
    }
    JsonNode config = Outcome.tree(Files.readString(manifest)).path("meta").path("config");
    for (Setting setting : Setting.values()) {
      int at = given.indexOf(Dashes.in(setting.marked()));
      JsonNode recorded = config.at("/" + setting.field().replace('.', '/'));
      if (at >= 0 && !recorded.isMissingNode()) {
        double value = Double.parseDouble(given.get(at + 1));
        assertEquals(value, recorded.asDouble(), 1e-6, setting + " of " + words);
      }
    }
  }

  @Test
  void everyOtherCommandUsesOrRefusesAnyOptions() {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    try (Shell shell = shell(out, err)) {
      List<String> live = new ArrayList<>(List.of(Outcome.tiny(temp, "live")));
      live.add("--paused");
      assertEquals(0, Language.execute(shell, live), err.toString());
      for (Map.Entry<String, CommandLine> command : commands().entrySet()) {
        String name = command.getKey();
        if (name.equals("train") || LEFT_OUT.contains(name)) {
          continue;
        }
        CommandSpec spec = command.getValue().getCommandSpec();
        int most = spec.options().size() > FEW_OPTIONS ? COMBINATIONS : FEW_COMBINATIONS;
        for (int i = 0; i < FEWER.getOrDefault(name, most); i++) {
          List<String> words = combination(name, spec);
          err.getBuffer().setLength(0);
          out.getBuffer().setLength(0);
          int code = Language.execute(shell, words);
          assertUsedOrRefused(words, new Outcome(code, out.toString(), err.toString()));
        }
      }
    }
  }
}
