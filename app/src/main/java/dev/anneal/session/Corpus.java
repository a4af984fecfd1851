package dev.anneal.session;

import dev.anneal.data.Batches;
import dev.anneal.data.JdkSources;
import dev.anneal.data.Split;
import dev.anneal.data.TextTokens;
import dev.anneal.data.TokenShards;
import dev.anneal.data.TokenSource;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.training.Trainer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * What a run trains on and what it is measured on, in batches.
 *
 * @param validationBatches in one pass over the held-out part
 * @param fingerprint of the tokens: a run goes on with the same ones only
 */
public record Corpus(
    Trainer.Batches training,
    Trainer.Batches validation,
    int validationBatches,
    Tokenizer tokenizer,
    String description,
    String fingerprint) {
  /** Of the JDK's sources: more than a small model sees in three minutes. */
  private static final long JDK_BYTES = 12_000_000;

  /**
   * Opens the data of {@code config}.
   *
   * @param expected the fingerprint that a checkpoint was trained on
   * @throws Failure when it cannot be read, is too short for one batch, or is not as expected
   */
  public static Corpus open(RunConfig config, Optional<String> expected) {
    Tokenizer tokenizer = Tokenizer.named(config.data().tokenizer());
    if (tokenizer.vocabularySize() > config.model().vocabulary()) {
      throw Failure.usage(
          "the "
              + tokenizer.name()
              + " tokenizer has "
              + tokenizer.vocabularySize()
              + " tokens, the model "
              + config.model().vocabulary()
              + "; choose the tokenizer that the model was made for");
    }
    Split split = split(config.data(), tokenizer);
    String fingerprint = split.training().fingerprint();
    if (expected.isPresent() && !expected.get().equals(fingerprint)) {
      throw Failure.failed(
          "the run was trained on other data than "
              + split.training().description()
              + " is now; put the earlier data back, or start a new run");
    }
    int b = config.batch();
    int t = config.sequence();
    int v = config.model().vocabulary();
    Batches training = Batches.shuffled(split.training(), v, b, t, config.seed());
    Batches validation = Batches.sequential(split.validation(), v, b, t);
    return new Corpus(
        training::fill,
        validation::fill,
        (int) Math.min(Integer.MAX_VALUE, validation.perEpoch()),
        tokenizer,
        String.format(
            Locale.ROOT,
            "%s: %,d tokens (%s), %,d held out",
            split.training().description(),
            split.training().length(),
            tokenizer.name(),
            split.validation().length()),
        fingerprint);
  }

  private static Split split(RunConfig.Data data, Tokenizer tokenizer) {
    if (data.source().isEmpty()) {
      JdkSources sources = JdkSources.ofThisJdk(JDK_BYTES);
      return Split.byDocument(sources.description(), sources.documents(), tokenizer);
    }
    String source = data.source().get();
    if (source.endsWith(".bin")) {
      TokenSource shards = TokenShards.open(source);
      return data.validation()
          .map(pattern -> new Split(shards, TokenShards.open(pattern)))
          .orElseGet(() -> Split.head(shards));
    }
    return Split.head(TextTokens.read(Path.of(source), TextTokens.Documents.SECTIONS, tokenizer));
  }
}
