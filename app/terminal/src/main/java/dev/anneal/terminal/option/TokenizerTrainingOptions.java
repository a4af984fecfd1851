package dev.anneal.terminal.option;

import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.data.ReadingProgress;
import dev.anneal.data.TextRules;
import dev.anneal.data.TokenizerTraining;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.tokenizer.BytePairTokenizer;
import dev.anneal.tokenizer.BytePairTrainer;
import dev.anneal.tokenizer.PreTokenizer;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How a tokenizer is made of a text. */
public final class TokenizerTrainingOptions {
  /** Which mean nothing without {@code --train}. */
  public static final String[] NAMES = {"--data", "--text-field", "--out", "--force"};

  private static final int MOST = 1 << 20;

  @Option(
      names = "--train",
      paramLabel = "N",
      description = "make a byte-level BPE tokenizer of N tokens, special ones among them")
  private Optional<Integer> tokens = Optional.empty();

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description = "what to learn from, as train takes it; the JDK's Java sources by default")
  private Optional<String> source = Optional.empty();

  @Option(
      names = "--text-field",
      paramLabel = "NAME",
      description = "of .jsonl and .json records; " + TextRules.DEFAULT_FIELD + " by default")
  private String textField = TextRules.DEFAULT_FIELD;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "where to write it; tokenizer.json by default")
  private Path file = Path.of("tokenizer.json");

  public boolean isAskedFor() {
    return tokens.isPresent();
  }

  public OutputFile target(Shell shell, OutputOptions output) {
    return output.file(shell, file, WrittenContent.TOKENIZER);
  }

  public BytePairTokenizer train(Optional<PreTokenizer> pattern, ReadingProgress progress) {
    PreTokenizer preTokenizer = pattern.orElse(PreTokenizer.LLAMA3);
    int n = tokens.orElseThrow();
    int least = BytePairTrainer.smallest(preTokenizer);
    if (n < least || n > MOST) {
      throw Failure.usage(
          "--train is " + n + "; expected " + least + ", the bytes and special tokens, to " + MOST);
    }
    return TokenizerTraining.train(
        source, new TextRules(TextRules.DEFAULT.documents(), textField), preTokenizer, n, progress);
  }
}
