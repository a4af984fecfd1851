package dev.anneal.terminal.option;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.PathKind;
import dev.anneal.checkpoint.PathName;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.PreTokenizer;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.tokenizer.TokenizerFiles;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which tokenizer: one with a name, or one in a file. */
public final class TokenizerOptions {
  static final String DEFAULT = "gpt2";

  @Option(
      names = "--tokenizer",
      paramLabel = "tokenizer",
      description =
          "gpt2 (the default), byte, a folder or a file: tokenizer.json, vocab.json with"
              + " merges.txt, or tiktoken's ranks")
  private Optional<String> tokenizer = Optional.empty();

  @Option(
      names = "--pattern",
      paramLabel = "gpt2|llama3|qwen2",
      description = "how text is cut: of ranks that do not say it, and of --train (llama3)")
  private Optional<String> pattern = Optional.empty();

  public Optional<PreTokenizer> pattern() {
    return pattern.map(TokenizerFiles::pattern);
  }

  public Tokenizer open() {
    return open(tokenizer.orElse(DEFAULT), pattern());
  }

  /** What {@code --tokenizer} names. */
  public static Tokenizer open(String named, Optional<PreTokenizer> pattern) {
    if (named.equals("gpt2") || named.equals("byte")) {
      if (pattern.isPresent()) {
        throw Failure.usage("--pattern is for ranks in a file, and for --train; leave it out");
      }
      return Tokenizer.named(named);
    }
    Path path = PathName.of(named);
    if (PathKind.of(path) == PathKind.NOTHING) {
      throw Failure.usage(
          "--tokenizer is "
              + FileFailures.shown(named)
              + ", which is not there; expected byte, gpt2, or a folder or file with a tokenizer");
    }
    return TokenizerFiles.read(path, pattern);
  }
}
