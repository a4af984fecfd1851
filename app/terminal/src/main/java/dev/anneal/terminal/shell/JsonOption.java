package dev.anneal.terminal.shell;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.run.log.JsonNumbers;
import dev.anneal.terminal.text.Printable;
import java.io.PrintWriter;
import picocli.CommandLine.Option;

/** {@code --json}, which every command has: one object per line on standard output. */
public final class JsonOption {
  @Option(names = "--json", description = "print JSON, one object per line")
  private boolean json;

  boolean isSet() {
    return json;
  }

  public static void print(PrintWriter out, JsonNode node) {
    out.println(Printable.json(JsonNumbers.finite(node).toString()));
    out.flush();
  }
}
