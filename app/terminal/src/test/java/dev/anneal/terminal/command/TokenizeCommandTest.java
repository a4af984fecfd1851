package dev.anneal.terminal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.Anneal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code tokenize} and {@code detokenize} print, and refuse. */
class TokenizeCommandTest {
  @TempDir Path temp;

  private record Result(int code, String out, String err) {}

  private static Result run(Object... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> args = new ArrayList<>();
    for (Object word : words) {
      args.add(word.toString());
    }
    int code =
        Anneal.run(args.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
    return new Result(code, out.toString(), err.toString());
  }

  private static Path llama() {
    try {
      return Path.of(TokenizeCommandTest.class.getResource("/tokenizers/llama-tiny").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(temp.resolve(name), text);
  }

  @Test
  void eachLineOfStringsGivesItsTokens() throws IOException {
    Path strings = file("strings.jsonl", "\"Hi<|eot_id|>\"\n\"\"\n\"a\\n\"\n");
    Result marked = run("tokenize", "--tokenizer", llama(), "--input", strings, "--json");
    assertEquals(
        """
        {"event":"tokens","ids":[39,72,511]}
        {"event":"tokens","ids":[]}
        {"event":"tokens","ids":[64,198]}
        """,
        marked.out());
    Result ordinary =
        run("tokenize", "--tokenizer", llama(), "--input", strings, "--json", "--no-special");
    assertEquals(3, ordinary.out().lines().count());
    assertTrue(!ordinary.out().contains("511"));
    for (Result tokens : List.of(marked, ordinary)) {
      Path back = file("tokens.jsonl", tokens.out());
      assertEquals(
          """
          {"event":"text","text":"Hi<|eot_id|>"}
          {"event":"text","text":""}
          {"event":"text","text":"a\\n"}
          """,
          run("detokenize", "--tokenizer", llama(), "--input", back, "--json").out());
    }
  }

  @Test
  void wordsAndOtherFilesAreOneText() throws IOException {
    assertEquals("15496 995\n", run("tokenize", "Hello", "world").out());
    assertEquals("15496 995\n", run("tokenize", "--input", file("a.txt", "Hello world")).out());
    assertEquals("104 105\n", run("tokenize", "--tokenizer", "byte", "hi").out());
    assertEquals("Hello world", run("detokenize", "15496", "995").out().strip());
    Path numbers = file("numbers", "15496\n995 \n");
    assertEquals("Hello world", run("detokenize", "--input", numbers).out().strip());
    Path array = file("array.jsonl", "[15496,995]\n[0]\n");
    assertEquals("Hello world\n!\n", run("detokenize", "--input", array).out());
  }

  @Test
  void whatIsWrongIsNamedInOneLine() throws IOException {
    record Case(int code, String says, Object... words) {}
    Path numbers = file("numbers.jsonl", "\"a\"\n7\n");
    Path torn = file("torn.jsonl", "\"a\n");
    Path latin = Files.write(temp.resolve("latin.txt"), new byte[] {'a', (byte) 0xE9});
    Path noTokens = file("none.jsonl", "{\"event\":\"tokens\"}\n");
    List<Case> cases =
        List.of(
            new Case(2, "expected byte, gpt2", "tokenize", "--tokenizer", "gpt3", "a"),
            new Case(1, "has no tokenizer.json", "tokenize", "--tokenizer", temp, "a"),
            new Case(1, "line 2 is no JSON string", "tokenize", "--input", numbers),
            new Case(1, "line 1 is not JSON", "tokenize", "--input", torn),
            new Case(1, "is not UTF-8 text", "tokenize", "--input", latin),
            new Case(1, "is a directory", "tokenize", "--input", temp),
            new Case(1, "does not exist", "tokenize", "--input", temp.resolve("no.jsonl")),
            new Case(1, "; expected a file", "tokenize", "--input", "/dev/zero"),
            new Case(2, "give one", "tokenize", "--input", latin, "a"),
            new Case(2, "'x' is no token", "detokenize", "x"),
            new Case(1, "50257 is outside", "detokenize", "50257"),
            new Case(1, "has no tokens", "detokenize", "--input", noTokens),
            new Case(1, "has no tokens", "detokenize", "--input", numbers),
            new Case(2, "--pattern is for ranks", "tokenize", "--pattern", "gpt2", "a"),
            new Case(
                2,
                "the pattern is 'x'",
                "tokenize",
                "--pattern",
                "x",
                "--tokenizer",
                llama(),
                "a"));
    for (Case each : cases) {
      Result result = run(each.words());
      assertEquals(each.code(), result.code(), result.err());
      assertTrue(result.err().contains(each.says()), result.err());
      assertEquals(1, result.err().lines().count(), result.err());
    }
  }

  @Test
  void textOfTokensReachesAReaderAsItIs() {
    // Escape and bell: a file gets them, a terminal pictures of them.
    assertEquals(
        "\u001b[31m\u0007",
        run("detokenize", "--tokenizer", "byte", "27", "91", "51", "49", "109", "7").out());
  }
}
