package dev.anneal.run.config;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.checkpoint.PathName;
import dev.anneal.data.Batches;
import dev.anneal.data.CorpusFiles;
import dev.anneal.data.EarlierText;
import dev.anneal.data.JdkSources;
import dev.anneal.data.ReadingProgress;
import dev.anneal.data.Split;
import dev.anneal.data.TextCorpus;
import dev.anneal.data.TextReader;
import dev.anneal.data.TextRules;
import dev.anneal.data.TextTokens;
import dev.anneal.data.TokenShards;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.training.Trainer;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a run trains on and what it is measured on, in batches.
 *
 * @param validationBatches in one pass over the held-out part
 * @param fingerprint of the tokens: a run goes on with the same ones only
 * @param opening of samples of a model that was trained on it
 * @param notes what a user should know of the data, a line each
 */
public record Corpus(
    Trainer.Batches training,
    Trainer.Batches validation,
    int validationBatches,
    Tokenizer tokenizer,
    String description,
    String fingerprint,
    Opening opening,
    List<String> notes) {
  /** Tokens to train on and to measure on, and where they come from. */
  private record Opened(Split split, String name, Opening opening, List<String> notes) {
    Opened(Split split, String name) {
      this(split, name, Opening.END_OF_TEXT, List.of());
    }
  }

  public Corpus {
    notes = List.copyOf(notes);
  }

  /**
   * Opens the data of {@code config}.
   *
   * @param expected the fingerprint that a checkpoint was trained on
   * @throws Failure when it cannot be read, is too short for one batch, or is not as expected
   */
  public static Corpus open(RunConfig config, Optional<String> expected) {
    return open(config, expected, ReadingProgress.NONE);
  }

  /** As above; {@code progress} hears how far a large text has been read. */
  public static Corpus open(RunConfig config, Optional<String> expected, ReadingProgress progress) {
    Tokenizer tokenizer = config.data().tokenizer().open();
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
    Opened opened = opened(config.data(), tokenizer, progress);
    Split split = opened.split();
    String fingerprint = fingerprint(config.data(), split);
    expected.ifPresent(trained -> requireSame(trained, fingerprint, config.data()));
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
            opened.name(),
            split.training().length(),
            tokenizer.name(),
            split.validation().length()),
        fingerprint,
        opened.opening(),
        opened.notes());
  }

  /** Of what is trained on, and, where there are rules for text, of what is measured on. */
  private static String fingerprint(RunConfig.Data data, Split split) {
    return split.training().fingerprint()
        + (data.text().isPresent() && data.validation().isPresent()
            ? "+" + split.validation().fingerprint()
            : "");
  }

  private static void requireSame(String trained, String now, RunConfig.Data data) {
    if (trained.equals(now)) {
      return;
    }
    boolean validationAlone =
        trained.contains("+") && trained.split("\\+")[0].equals(now.split("\\+")[0]);
    String other =
        validationAlone
            ? data.validation().orElseThrow()
            : data.source().orElse("the sources of this JDK");
    throw Failure.failed(
        "%s is not what the run was %s: its tokens have the fingerprint %s, the run's %s; put the"
                .formatted(other, validationAlone ? "validated on" : "trained on", now, trained)
            + " earlier data back or say where it is with "
            + setting("data")
            + ", or begin a new run with these weights on it with "
            + setting("out")
            + " DIR");
  }

  private static Opened opened(RunConfig.Data data, Tokenizer tokenizer, ReadingProgress progress) {
    if (data.text().isEmpty()) {
      return earlier(data, tokenizer);
    }
    TextRules rules = data.text().get();
    requireUsed(data, rules);
    TextReader reader = new TextReader(rules, tokenizer, progress);
    if (data.source().isEmpty()) {
      JdkSources sources = JdkSources.ofThisJdk(JdkSources.ENOUGH);
      if (data.validation().isEmpty()) {
        return new Opened(
            Split.byDocument(sources.description(), sources.documents(), tokenizer),
            sources.description());
      }
      TextCorpus all =
          new TextCorpus(
              TextTokens.of(sources.description(), sources.documents(), tokenizer),
              sources.documents().size(),
              List.of());
      return with(all, sources.description(), open(data.validation().get(), reader, tokenizer));
    }
    String source = data.source().get();
    TextCorpus all = open(source, reader, tokenizer);
    String name = named(source, all);
    if (data.validation().isPresent()) {
      return with(all, name, open(data.validation().get(), reader, tokenizer));
    }
    return new Opened(
        CorpusFiles.areShards(source) ? Split.head(all.tokens()) : Split.tail(all.tokens()),
        name,
        Opening.after(all.documents()),
        all.notes());
  }

  private static Opened with(TextCorpus training, String name, TextCorpus validation) {
    return new Opened(
        new Split(training.tokens(), validation.tokens()),
        name,
        Opening.after(training.documents()),
        Stream.concat(training.notes().stream(), validation.notes().stream()).toList());
  }

  private static String named(String source, TextCorpus corpus) {
    if (CorpusFiles.areShards(source)) {
      return corpus.tokens().description();
    }
    return corpus.documents() == 1
        ? source
        : String.format(Locale.ROOT, "%s, %,d documents", source, corpus.documents());
  }

  private static TextCorpus open(String source, TextReader reader, Tokenizer tokenizer) {
    if (!CorpusFiles.areShards(source)) {
      return reader.read(source);
    }
    TokenShards shards = TokenShards.open(source);
    shards.requireMadeWith(tokenizer);
    return new TextCorpus(shards, 0, List.of());
  }

  private static void requireUsed(RunConfig.Data data, TextRules rules) {
    boolean text =
        Stream.of(data.source(), data.validation())
            .flatMap(Optional::stream)
            .anyMatch(source -> !CorpusFiles.areShards(source));
    if (!text && !rules.equals(TextRules.DEFAULT)) {
      String option =
          rules.field().equals(TextRules.DEFAULT_FIELD)
              ? setting("documents") + " " + rules.documents()
              : setting("text-field") + " " + rules.field();
      throw Failure.usage(
          option
              + " is for text; "
              + (data.source().isPresent()
                  ? "token shards have their ends of texts in them"
                  : "of the JDK's sources, each file is a document; add "
                      + setting("data")
                      + " FILE"));
    }
  }

  /** As it was before there were rules for text. */
  private static Opened earlier(RunConfig.Data data, Tokenizer tokenizer) {
    if (data.source().isEmpty()) {
      JdkSources sources = JdkSources.ofThisJdk(JdkSources.ENOUGH);
      return new Opened(
          Split.byDocument(sources.description(), sources.documents(), tokenizer),
          sources.description());
    }
    String source = data.source().get();
    if (CorpusFiles.areShards(source)) {
      TokenShards shards = TokenShards.open(source);
      return new Opened(
          data.validation()
              .map(pattern -> new Split(shards, TokenShards.open(pattern)))
              .orElseGet(() -> Split.head(shards)),
          shards.description());
    }
    return new Opened(Split.head(EarlierText.read(PathName.of(source), tokenizer)), source);
  }
}
