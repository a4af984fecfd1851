package dev.anneal.tokenizer;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.checkpoint.PathKind;
import dev.anneal.failure.Failure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Finds out what a file or a folder of somebody else's is, and reads the tokenizer in it. */
public final class TokenizerFiles {
  private static final String RANKS = "tokenizer.model";

  private TokenizerFiles() {}

  /** Whether a folder has a tokenizer's files. */
  public static boolean areIn(Path folder) {
    return Files.exists(folder.resolve(TokenizerJson.NAME))
        || Files.exists(folder.resolve(VocabAndMerges.VOCAB))
        || Files.exists(folder.resolve(RANKS));
  }

  /**
   * Reads a tokenizer: of a folder, its {@code tokenizer.json}, else {@code vocab.json} with {@code
   * merges.txt}, else {@code tokenizer.model}; or a file of any of these kinds.
   *
   * @param pattern how text is cut, for a rank file that does not say it
   * @throws Failure naming the file and what is wrong with it
   */
  public static BytePairTokenizer read(Path path, Optional<PreTokenizer> pattern) {
    return new BytePairTokenizer(definition(path, pattern));
  }

  private static Definition definition(Path path, Optional<PreTokenizer> pattern) {
    if (PathKind.of(path) != PathKind.FOLDER) {
      return ofFile(path, pattern);
    }
    Path json = path.resolve(TokenizerJson.NAME);
    if (Files.exists(json)) {
      return ofFile(json, pattern);
    }
    Path vocab = path.resolve(VocabAndMerges.VOCAB);
    if (Files.exists(vocab)) {
      return ofFile(vocab, pattern);
    }
    Path ranks = path.resolve(RANKS);
    if (Files.exists(ranks)) {
      return ofFile(ranks, pattern);
    }
    throw Failure.failed(
        FileFailures.shown(path)
            + " has no tokenizer.json, no vocab.json with merges.txt and no tokenizer.model; give"
            + " a folder or a file with a tokenizer");
  }

  private static Definition ofFile(Path file, Optional<PreTokenizer> pattern) {
    String name = String.valueOf(file.getFileName());
    boolean two = name.equals(VocabAndMerges.VOCAB) || name.equals(VocabAndMerges.MERGES);
    byte[] head = two ? new byte[0] : InputFile.whole(file, JsonFile.MAXIMUM_BYTES);
    boolean ranks = !two && !isJson(head);
    if (!ranks && pattern.isPresent()) {
      throw Failure.usage(
          FileFailures.shown(file)
              + " says itself how it cuts a text; a pattern is for rank files and for training");
    }
    if (two) {
      return VocabAndMerges.read(Optional.ofNullable(file.getParent()).orElse(Path.of("")));
    }
    if (!ranks) {
      return TokenizerJson.read(file);
    }
    if (isSentencePiece(head)) {
      throw Failure.failed(
          FileFailures.shown(file)
              + " is a SentencePiece model, which is not known here; only byte-level tokenizers"
              + " are, such as those of GPT-2, Llama 3 and Qwen");
    }
    return RankFile.read(FileFailures.shown(file), head, pattern);
  }

  private static boolean isJson(byte[] file) {
    int at = 0;
    while (at < file.length && file[at] <= ' ' && file[at] > 0) {
      at++;
    }
    return at < file.length && (file[at] == '{' || file[at] == '[' || file[at] == '"');
  }

  /** Its first field is a piece, which is a message with a text; nothing of base64 is that. */
  private static boolean isSentencePiece(byte[] file) {
    return file.length > 3 && file[0] == 0x0A && file[2] == 0x0A;
  }

  /** The name of a way to cut text. */
  public static PreTokenizer pattern(String key) {
    return PreTokenizer.ofKey(key)
        .orElseThrow(
            () -> Failure.usage("the pattern is '" + key + "'; expected gpt2, llama3 or qwen2"));
  }
}
