package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.FilteredWriter;
import dev.anneal.terminal.text.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No text, whoever made it up, sends a terminal more than characters. */
class TerminalBytesTest {
  /** C0, delete, C1, separators of lines, and what turns the direction of writing. */
  private static final String EVIL =
      "\u001b[31m\u0007\r\u007f\u0085\u009b31m\u2028\u2029\u202a\u202e\u2066\u2069";

  /** The same in a line of a script, which a carriage return would end. */
  private static final String NAME = EVIL.replace("\r", "");

  @TempDir private Path temp;

  private record Result(int code, String out, String err) {}

  private static Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Anneal.run(args, new PrintWriter(out), new PrintWriter(err));
    return new Result(code, out.toString(), err.toString());
  }

  private static boolean isEvil(int c) {
    return c < ' ' && c != '\n' && c != '\t'
        || c >= 0x7f && c < 0xa0
        || c >= 0x2028 && c <= 0x202e
        || c >= 0x2066 && c <= 0x2069;
  }

  private static void isClean(String what, String text) {
    text.chars()
        .filter(TerminalBytesTest::isEvil)
        .findFirst()
        .ifPresent(c -> assertFalse(true, "U+%04X in %s: %s".formatted(c, what, text)));
  }

  /** A run whose folder, data and samples are all of such characters. */
  private String train(String more) throws IOException {
    Path data = temp.resolve("data" + NAME + ".txt");
    Files.writeString(data, (EVIL + " ").repeat(300));
    return TinyShell.train(temp, "run" + NAME, more + " ")
        .replace("text.txt", data.getFileName() + "");
  }

  private List<String> commands() throws IOException {
    String run = Words.quote(temp.resolve("run" + NAME).toString());
    return List.of(
        train("--steps 3 --sample-tokens 99 --lr 3e-2"),
        "status",
        "sample --tokens 60 --prompt '" + NAME + "'",
        "runs " + Words.quote(temp.toString()),
        "status " + run,
        "plot",
        "dashboard --once",
        "inspect wte.weight",
        "show config",
        "alias x" + "\u202e" + " status",
        "alias",
        "status /no/such/" + "\u009b",
        "sample --checkpoint " + Words.quote(temp.resolve("x" + NAME).toString()),
        "set lr \u202e",
        "wait \u009b<1",
        "nosuch\u009b\u202e",
        "help \u202e",
        "inspect \u009b",
        "train --backend \u202e",
        "train --\u009b 3");
  }

  private Result script(String... options) throws IOException {
    Path file = temp.resolve("script" + NAME);
    Files.writeString(file, String.join("\n", commands()) + "\n");
    List<String> args = new ArrayList<>(List.of(options));
    args.addAll(List.of("--keep-going", "-f", file.toString()));
    return run(args.toArray(String[]::new));
  }

  @Test
  void textShowsControlsAndSendsNone() throws IOException {
    Result result = script();
    assertTrue(result.out().contains("step 3"), result.err());
    isClean("standard output", result.out());
    isClean("standard error", result.err());
    assertTrue(result.out().contains("\u241b[31m\u2407\u2421"), "seen as pictures");
  }

  @Test
  void jsonEscapesThemAndKeepsThem() throws IOException {
    Result result = script("--json");
    isClean("standard output", result.out());
    isClean("standard error", result.err());
    List<JsonNode> lines = new ArrayList<>();
    for (String line : result.out().lines().toList()) {
      lines.add(new ObjectMapper().readTree(line));
    }
    assertTrue(lines.stream().anyMatch(n -> n.path("prompt").asText().equals(NAME)), result.out());
    assertTrue(
        lines.stream().anyMatch(n -> n.path("path").asText().endsWith("/run" + NAME)),
        result.out());
  }

  @Test
  void whatALocaleDoesNotHaveIsNoQuestionMark() {
    StringWriter text = new StringWriter();
    try (PrintWriter writer =
        FilteredWriter.encodable(new PrintWriter(text), StandardCharsets.US_ASCII)) {
      writer.print("caf\u00e9 \ud83d\ude00 ?");
    }
    assertEquals("caf\\u00e9 \\ud83d\\ude00 ?", text.toString());
  }
}
