package dev.anneal.terminal.command;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.option.TokenizerOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.shell.TextInput;
import dev.anneal.terminal.text.Streams;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code detokenize}: tokens to text. */
@Command(
    name = "detokenize",
    description =
        "Print the text of tokens, special ones by their names: what tokenize printed, from words,"
            + " --input or standard input.",
    footer = {
      "",
      "Examples:",
      "  anneal detokenize 15496 11 995",
      "  anneal detokenize --tokenizer Llama-3.2-1B --input tokens.jsonl"
    })
final class DetokenizeCommand extends ShellCommand {
  private static final int STANDARD_OUTPUT = 1;

  @Mixin private TokenizerOptions tokenizer;

  @Option(
      names = "--input",
      paramLabel = "FILE",
      description =
          "a .jsonl with what 'tokenize --json' prints, or an array of numbers, in each line; or"
              + " any other file of numbers; - for such JSON from standard input")
  private Optional<Path> input = Optional.empty();

  @Parameters(paramLabel = "TOKEN", description = "the tokens")
  private List<String> words = List.of();

  DetokenizeCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (!words.isEmpty()) {
      refuse("and tokens as words; give one", "--input");
    }
    Tokenizer with = tokenizer.open();
    if (!words.isEmpty()) {
      text(with, words.stream().mapToInt(DetokenizeCommand::token).toArray(), false);
      return 0;
    }
    TextInput from = shell().input(input);
    if (input.isPresent() && (from.isJson() || input.get().toString().equals("-"))) {
      from.values((json, where) -> text(with, tokens(json, where), true));
      return 0;
    }
    String text = from.text();
    int[] tokens =
        Arrays.stream(text.split("[\\s,]+"))
            .filter(word -> !word.isEmpty())
            .mapToInt(DetokenizeCommand::token)
            .toArray();
    text(with, tokens, false);
    return 0;
  }

  private static int token(String word) {
    try {
      return Integer.parseInt(word);
    } catch (NumberFormatException e) {
      throw Failure.usage("'" + word + "' is no token; expected whole numbers");
    }
  }

  /** An array, or an object whose {@code ids} are one. */
  private static int[] tokens(JsonParser json, String where) throws IOException {
    Optional<int[]> found = Optional.empty();
    if (json.currentToken() == JsonToken.START_OBJECT) {
      while (json.nextToken() != JsonToken.END_OBJECT) {
        boolean ids = json.currentName().equals("ids");
        json.nextToken();
        if (ids) {
          found = Optional.of(array(json, where));
        } else {
          json.skipChildren();
        }
      }
    } else {
      found = Optional.of(array(json, where));
    }
    return found.orElseThrow(() -> notTokens(where));
  }

  private static int[] array(JsonParser json, String where) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw notTokens(where);
    }
    int[] tokens = new int[16];
    int n = 0;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT || json.getText().length() > 11) {
        throw notTokens(where);
      }
      if (n == tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * n);
      }
      tokens[n++] = (int) Math.clamp(json.getLongValue(), -1, Integer.MAX_VALUE);
    }
    return Arrays.copyOf(tokens, n);
  }

  private static Failure notTokens(String where) {
    return Failure.failed(
        where + " has no tokens; expected [1, 2] or {\"event\":\"tokens\",\"ids\":[1, 2]}");
  }

  /**
   * A text, to a terminal without what could harm it, and to anything else as it is.
   *
   * @param oneOfSome whether others may follow, in lines of their own
   */
  private void text(Tokenizer with, int[] tokens, boolean oneOfSome) {
    String text = with.decode(tokens);
    if (asJson()) {
      print(json("text").put("text", text));
      return;
    }
    boolean shown = shell().use() == Shell.Use.PROMPT || Streams.isTerminal(STANDARD_OUTPUT);
    if (shown || shell().use() == Shell.Use.DASHBOARD) {
      say("%s", text);
      return;
    }
    out().flush();
    shell().rawOut().print(oneOfSome ? text + "\n" : text);
    shell().rawOut().flush();
  }
}
