package dev.anneal.terminal.command;

import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.data.ReadingProgress;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.terminal.live.ReadingNotices;
import dev.anneal.terminal.option.OutputOptions;
import dev.anneal.terminal.option.TokenizerOptions;
import dev.anneal.terminal.option.TokenizerTrainingOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.shell.TextInput;
import dev.anneal.tokenizer.BytePairTokenizer;
import dev.anneal.tokenizer.Tokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tokenize}: text to tokens. */
@Command(
    name = "tokenize",
    description =
        "Print the tokens of a text, without any that a model would begin with. Without words and"
            + " --input, standard input is the text. With --train, make a tokenizer instead.",
    footer = {
      "",
      "Examples:",
      "  anneal tokenize 'public static void'",
      "  anneal tokenize --tokenizer Llama-3.2-1B --input strings.jsonl --json",
      "  anneal tokenize --train 8192 --data book.txt --out tokenizer.json"
    })
final class TokenizeCommand extends ShellCommand {
  private static final int FLUSH = 1 << 13;

  @Mixin private TokenizerOptions tokenizer;

  @Option(
      names = "--input",
      paramLabel = "FILE",
      description =
          "a .jsonl with a JSON string in each line, or any other file as one text; - for JSON"
              + " strings from standard input")
  private Optional<Path> input = Optional.empty();

  @Option(
      names = "--no-special",
      description = "what spells a special token, such as <|endoftext|>, is ordinary text")
  private boolean ordinary;

  @ArgGroup(validate = false, heading = "%nTraining a tokenizer:%n")
  private TokenizerTrainingOptions training = new TokenizerTrainingOptions();

  @Mixin private OutputOptions output;

  @Parameters(paramLabel = "WORD", description = "the text")
  private List<String> words = List.of();

  TokenizeCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (training.isAskedFor()) {
      return train();
    }
    refuse("is for --train N, which makes a tokenizer; add that", TokenizerTrainingOptions.NAMES);
    if (!words.isEmpty()) {
      refuse("and the words of a text; give one", "--input");
    }
    Tokenizer with = tokenizer.open();
    if (!words.isEmpty()) {
      tokens(with, String.join(" ", words));
      return 0;
    }
    TextInput from = shell().input(input);
    if (input.isPresent() && (from.isJson() || input.get().toString().equals("-"))) {
      from.strings(text -> tokens(with, text));
    } else {
      tokens(with, from.text());
    }
    return 0;
  }

  private int train() {
    refuse(
        "is for tokens of a text, and --train makes a tokenizer; give one",
        "--tokenizer",
        "--input",
        "--no-special");
    if (!words.isEmpty()) {
      throw Failure.usage("--train learns from --data; leave out the words");
    }
    OutputFile target = training.target(shell(), output);
    ReadingNotices reading =
        new ReadingNotices(shell(), asJson(), event -> print(EventJson.write(event)));
    BytePairTokenizer made =
        training.train(
            tokenizer.pattern(),
            ReadingProgress.everyHalfSecond(
                (name, done, all) -> reading.on(new Event.Reading(name, done, all))));
    byte[] bytes = made.json();
    target.write(FileWriter.of(bytes));
    wrote(
        target,
        json("tokenizer")
            .put("file", target.toString())
            .put("tokens", made.vocabularySize())
            .put("identity", made.identity()),
        target + " (" + made.vocabularySize() + " tokens)");
    return 0;
  }

  /** A line, which may have millions of tokens, as it is made. */
  private void tokens(Tokenizer with, String text) {
    shell().requireNotCancelled();
    int[] ids = ordinary ? with.encode(text) : with.encodeMarked(text);
    PrintWriter out = out();
    out.print(asJson() ? "{\"event\":\"tokens\",\"ids\":[" : "");
    StringBuilder part = new StringBuilder(FLUSH + 16);
    for (int i = 0; i < ids.length; i++) {
      if (i > 0) {
        part.append(asJson() ? ',' : ' ');
      }
      part.append(ids[i]);
      if (part.length() >= FLUSH) {
        out.print(part);
        part.setLength(0);
      }
    }
    out.print(part);
    out.println(asJson() ? "]}" : "");
    out.flush();
  }
}
