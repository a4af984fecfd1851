package dev.anneal.data;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.BytePairTokenizer;
import dev.anneal.tokenizer.BytePairTrainer;
import dev.anneal.tokenizer.PreTokenizer;
import java.util.Optional;

/** Makes a tokenizer of what a run would train on. */
public final class TokenizerTraining {
  /** UTF-16 units that are counted at once. */
  private static final int PIECE = 1 << 18;

  /** Text without any place to cut is cut here. */
  private static final int LONGEST = 1 << 22;

  private TokenizerTraining() {}

  /**
   * Trains a tokenizer.
   *
   * @param source text, as {@link CorpusFiles} finds it; the JDK's sources when empty
   * @param vocabulary tokens
   * @throws Failure when there is no text, or too little
   */
  public static BytePairTokenizer train(
      Optional<String> source,
      TextRules rules,
      PreTokenizer preTokenizer,
      int vocabulary,
      ReadingProgress progress) {
    BytePairTrainer trainer = new BytePairTrainer(preTokenizer);
    Counting counting = new Counting(trainer);
    if (source.isPresent()) {
      if (CorpusFiles.areShards(source.get())) {
        throw Failure.usage(source.get() + " has tokens already; a tokenizer is made of text");
      }
      CorpusFiles found = CorpusFiles.find(source.get());
      long bytes =
          found.files().stream().mapToLong(f -> FileFailures.sizeOfRegularFile(f.path())).sum();
      new CorpusText(rules, progress).read(found, bytes, counting);
    } else {
      for (String document : JdkSources.ofThisJdk(JdkSources.ENOUGH).documents()) {
        counting.begin();
        counting.text(document);
      }
    }
    counting.begin();
    return trainer.train(vocabulary);
  }

  /** Counts documents as they come, in parts that have the pieces of the whole. */
  private static final class Counting implements DocumentSink {
    private final BytePairTrainer trainer;
    private final StringBuilder pending = new StringBuilder();

    Counting(BytePairTrainer trainer) {
      this.trainer = trainer;
    }

    @Override
    public void begin() {
      count(pending.length());
    }

    @Override
    public void text(CharSequence piece) {
      pending.append(piece);
      if (pending.length() < PIECE) {
        return;
      }
      int cut = trainer.lastCut(pending);
      if (cut > 0) {
        count(cut);
      } else if (pending.length() > LONGEST) {
        count(LONGEST - (Character.isHighSurrogate(pending.charAt(LONGEST - 1)) ? 1 : 0));
      }
    }

    private void count(int length) {
      trainer.add(pending.substring(0, length));
      pending.delete(0, length);
    }
  }
}
