package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.Anneal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How one command line went. */
record Outcome(int code, String out, String err) {

  static Outcome of(List<String> arguments) {
    return of(arguments.toArray(String[]::new));
  }

  static Outcome of(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Anneal.run(arguments, new PrintWriter(out), new PrintWriter(err, true));
    return new Outcome(code, out.toString(), err.toString());
  }

  /** A command that must go well. */
  static Outcome ok(String... arguments) {
    Outcome outcome = of(arguments);
    assertEquals(0, outcome.code(), Arrays.toString(arguments) + "\n" + outcome.err());
    return outcome;
  }

  /** The one line of a refusal that names {@code what}. */
  String refused(int expectedCode, String... what) {
    assertEquals(expectedCode, code, out + err);
    assertEquals(1, err.lines().count(), err);
    assertFalse(err.contains("fault of ours"), err);
    for (String word : what) {
      assertTrue(err.contains(word), word + " is not in: " + err);
    }
    return err.strip();
  }

  List<JsonNode> json() {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : out.lines().toList()) {
      nodes.add(tree(line));
    }
    return nodes;
  }

  static JsonNode tree(String json) {
    try {
      return new ObjectMapper().readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(json, e);
    }
  }

  /** What trains a tiny model in {@code folder} in some milliseconds, and {@code more}. */
  static String[] tiny(Path folder, String out, String... more) {
    List<String> words = new ArrayList<>(List.of("train", "--data", text(folder).toString()));
    words.addAll(List.of("--out", folder.resolve(out).toString()));
    List<String> given = Arrays.asList(more);
    String[] sizes = {
      "--layers", "1", "--heads", "2", "--channels", "16", "--context", "32", "--batch", "2",
      "--seq", "16", "--threads", "1", "--val-every", "0", "--sample-tokens", "0", "--steps", "4",
      "--warmup", "0", "--lr", "0.01", "--backend", "cpu"
    };
    for (int i = 0; i < sizes.length; i += 2) {
      if (!given.contains(sizes[i])) {
        words.addAll(List.of(sizes[i], sizes[i + 1]));
      }
    }
    words.addAll(given);
    return words.toArray(String[]::new);
  }

  /** A text to train on. */
  static Path text(Path folder) {
    return text(folder, "text.txt", "the quick brown fox jumps over the lazy dog\n");
  }

  static Path text(Path folder, String name, String line) {
    Path file = folder.resolve(name);
    try {
      return Files.exists(file) ? file : Files.writeString(file, line.repeat(100));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
