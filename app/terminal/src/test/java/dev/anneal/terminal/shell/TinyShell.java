package dev.anneal.terminal.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.command.Commands;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A shell for tests, in a folder with a text to train tiny models on. */
public final class TinyShell implements AutoCloseable {
  private static final List<String> TINY =
      List.of(
          "--layers 1",
          "--heads 2",
          "--channels 16",
          "--batch 2",
          "--seq 16",
          "--context 16",
          "--threads 1",
          "--val-every 0",
          "--val-batches 1",
          "--sample-tokens 0",
          "--checkpoint-every 0",
          "--warmup 0");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final Path folder;
  private final Shell shell;

  TinyShell(Path folder, Shell.Use use, boolean json) {
    this.folder = folder;
    PrintWriter writer = new PrintWriter(out, true);
    this.shell =
        new Shell(
            Commands::addTo, use, writer, new PrintWriter(err, true), Look.PLAIN, json, false);
  }

  public TinyShell(Path folder) {
    this(folder, Shell.Use.PROMPT, false);
  }

  /** How a line went. */
  public record Result(int code, String out, String err) {
    public String errorLine() {
      assertEquals(1, err.lines().count(), err);
      return err.strip();
    }

    public List<JsonNode> json() {
      ObjectMapper mapper = new ObjectMapper();
      List<JsonNode> nodes = new ArrayList<>();
      for (String line : out.lines().toList()) {
        try {
          nodes.add(mapper.readTree(line));
        } catch (IOException e) {
          throw new UncheckedIOException(line, e);
        }
      }
      return nodes;
    }
  }

  public Shell shell() {
    return shell;
  }

  /** What was said beside the results so far. */
  public String said() {
    return err.toString();
  }

  /** Runs the commands of a line up to the first that fails. */
  public Result run(String line) {
    int before = out.getBuffer().length();
    int errBefore = err.getBuffer().length();
    int code = 0;
    for (List<String> words : Words.complete(line)) {
      code = Language.execute(shell, words);
      if (code != 0) {
        break;
      }
    }
    return new Result(code, out.toString().substring(before), err.toString().substring(errBefore));
  }

  /** What a line prints, which must go well. */
  public String ok(String line) {
    Result result = run(line);
    assertEquals(0, result.code(), line + "\n" + result.out() + result.err());
    return result.out();
  }

  /** The words that train a run in milliseconds. */
  public static String train(Path folder, String name, String more) {
    Path text = folder.resolve("text.txt");
    try {
      if (!Files.exists(text)) {
        Files.writeString(text, "the quick brown fox jumps over the lazy dog\n".repeat(200));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    StringBuilder line = new StringBuilder("train --data " + Words.quote(text.toString()));
    line.append(" --out ").append(Words.quote(folder.resolve(name).toString())).append(' ');
    line.append(more);
    for (String option : TINY) {
      if (!more.contains(option.split(" ")[0] + " ")) {
        line.append(' ').append(option);
      }
    }
    return line.toString();
  }

  public String train(String name, String more) {
    return train(folder, name, more);
  }

  @Override
  public void close() {
    shell.close();
  }
}
