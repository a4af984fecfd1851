package dev.anneal.run.config;

import dev.anneal.checkpoint.DurableFile;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.BytePairTokenizer;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.tokenizer.TokenizerFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The tokenizer of a run: one that a name says all of, or one from a file, of which the run and
 * each of its checkpoints keeps a copy. A copy is read when it is first needed, and has to be the
 * tokenizer that the run was begun with.
 */
public final class RunTokenizer {
  /** What a copy is called, beside what says which tokenizer it is. */
  public static final String FILE = "tokenizer.json";

  private static final Pattern IDENTITY = Pattern.compile("byte|gpt2|bpe-[0-9a-f]{64}");

  private final String identity;
  private final Path copy;
  private Optional<Tokenizer> tokenizer;

  private RunTokenizer(String identity, Path copy, Optional<Tokenizer> tokenizer) {
    this.identity = identity;
    this.copy = copy;
    this.tokenizer = tokenizer;
  }

  /** One that is at hand. */
  public static RunTokenizer of(Tokenizer tokenizer) {
    return new RunTokenizer(tokenizer.identity(), Path.of(FILE), Optional.of(tokenizer));
  }

  /**
   * One without a file.
   *
   * @param name {@code byte} or {@code gpt2}
   */
  public static RunTokenizer named(String name) {
    return new RunTokenizer(name, Path.of(FILE), Optional.empty());
  }

  /** Whether this could be what {@link #identity} gives. */
  static boolean isIdentity(String text) {
    return IDENTITY.matcher(text).matches();
  }

  /**
   * The one of a saved configuration.
   *
   * @param config the file that says so, beside which the copy is
   */
  static RunTokenizer saved(String identity, Path config) {
    return new RunTokenizer(identity, config.resolveSibling(FILE), Optional.empty());
  }

  /** {@code byte}, {@code gpt2}, or {@code bpe-} and a checksum. */
  public String identity() {
    return identity;
  }

  private boolean hasFile() {
    return identity.startsWith("bpe-");
  }

  /**
   * The tokenizer itself.
   *
   * @throws Failure when its copy is missing, damaged or another
   */
  public synchronized Tokenizer open() {
    if (tokenizer.isEmpty()) {
      tokenizer = Optional.of(hasFile() ? read() : Tokenizer.named(identity));
    }
    return tokenizer.get();
  }

  private Tokenizer read() {
    Path run = copy.resolveSibling("..").resolve(FILE).normalize();
    // A run deletes old checkpoints, and keeps a copy of its own.
    Path file = Files.notExists(copy) && Files.exists(run) ? run : copy;
    if (Files.notExists(file)) {
      throw Failure.failed(
          file
              + ", the run's tokenizer, is not there any more; copy it back, from any of the run's"
              + " checkpoints");
    }
    Tokenizer read = TokenizerFiles.read(file, Optional.empty());
    if (!read.identity().equals(identity)) {
      throw Failure.failed(
          file
              + " is another tokenizer than the run's: it is "
              + read.identity()
              + ", the run's "
              + identity
              + "; copy the run's back, from any of its checkpoints");
    }
    return read;
  }

  /** What a checkpoint keeps of it, by name: a copy, or nothing. */
  public Map<String, FileWriter> files() {
    return hasFile() && open() instanceof BytePairTokenizer pairs
        ? Map.of(FILE, FileWriter.of(pairs.json()))
        : Map.of();
  }

  /** Writes a copy to a run's directory, unless there is one. */
  public void keepIn(Path directory) {
    Path file = directory.resolve(FILE);
    if (Files.notExists(file)) {
      files().values().forEach(content -> DurableFile.write(file, content));
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RunTokenizer that && identity.equals(that.identity);
  }

  @Override
  public int hashCode() {
    return identity.hashCode();
  }

  @Override
  public String toString() {
    return identity;
  }
}
