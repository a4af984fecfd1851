package dev.anneal.terminal.option;

import dev.anneal.data.Documents;
import dev.anneal.data.TextRules;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.config.RunTokenizer;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What to train on, and how it becomes tokens. */
public final class DataOptions {
  @Option(
      names = "--data",
      paramLabel = "FILE",
      description =
          "text, .jsonl or .json with a text field, any of them in .gz, a folder of them, a pattern"
              + " in quotes, or llm.c token shards (.bin); the JDK's Java sources by default")
  public Optional<String> source = Optional.empty();

  @Option(
      names = "--val-data",
      paramLabel = "FILE",
      description = "what to validate on, of the same kinds; a part of --data by default")
  public Optional<String> validation = Optional.empty();

  @Option(
      names = "--documents",
      paramLabel = "HOW",
      description =
          "what of a text is one document: file (the default), blank-line, line, or the text"
              + " between two, such as '<|endoftext|>'")
  private Optional<String> documents = Optional.empty();

  @Option(
      names = "--text-field",
      paramLabel = "NAME",
      description = "of .jsonl and .json records; " + TextRules.DEFAULT_FIELD + " by default")
  private Optional<String> textField = Optional.empty();

  @Option(
      names = "--tokenizer",
      paramLabel = "tokenizer",
      description =
          "byte; gpt2, the default with --model and for .bin; or a folder or file with a tokenizer,"
              + " such as tokenize --train 8192 makes")
  private Optional<String> tokenizer = Optional.empty();

  /** As asked for, else OpenAI's for shards and named models, and bytes for others. */
  public RunTokenizer tokenizer(boolean namedModel) {
    String name =
        tokenizer.orElse(
            namedModel || source.map(s -> s.endsWith(".bin")).orElse(false) ? "gpt2" : "byte");
    return RunTokenizer.of(TokenizerOptions.open(name, Optional.empty()));
  }

  public RunConfig.Data ofNewRun(RunTokenizer with) {
    return new RunConfig.Data(
        source, validation, with, Optional.of(text().orElse(TextRules.DEFAULT)));
  }

  /** For a new run with the weights of one that learned from {@code before}. */
  public RunConfig.Data ofBranch(RunConfig.Data before) {
    return source.isPresent()
        ? new RunConfig.Data(
            source, validation, before.tokenizer(), Optional.of(text().orElse(TextRules.DEFAULT)))
        : new RunConfig.Data(
            before.source(),
            validation.or(before::validation),
            before.tokenizer(),
            text().or(before::text));
  }

  /** As given; empty when nothing is. */
  private Optional<TextRules> text() {
    return documents.isEmpty() && textField.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new TextRules(
                documents.map(Documents::parse).orElse(TextRules.DEFAULT.documents()),
                textField.orElse(TextRules.DEFAULT_FIELD)));
  }
}
