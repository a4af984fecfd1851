package dev.anneal.data;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Tokens as they come: few stay in memory, many go to a file. */
final class SpilledTokens implements TokenSink, AutoCloseable {
  private final String name;
  private final String key;
  private final Tokenizer tokenizer;
  private final TokenCache cache;
  private final long inMemory;
  private final PackedTokens memory;
  private Optional<TokenFile.Writer> file = Optional.empty();
  private Optional<Path> beside = Optional.empty();
  private boolean inCache;

  /**
   * @param inMemory the most bytes that stay in memory
   */
  SpilledTokens(String name, String key, Tokenizer tokenizer, TokenCache cache, long inMemory) {
    this.name = name;
    this.key = key;
    this.tokenizer = tokenizer;
    this.cache = cache;
    this.inMemory = inMemory;
    this.memory = new PackedTokens(tokenizer.vocabularySize());
  }

  @Override
  public void add(int... tokens) {
    if (file.isEmpty() && ((long) memory.length() + tokens.length) * memory.width() > inMemory) {
      spill();
    }
    if (file.isPresent()) {
      file.get().add(tokens);
    } else {
      memory.add(tokens);
    }
  }

  private void spill() {
    Optional<Path> cached = cache.beside(key);
    inCache = cached.isPresent();
    Path path = cached.orElseGet(SpilledTokens::temporary);
    try {
      TokenFile.Writer writer = new TokenFile.Writer(path, tokenizer);
      file = Optional.of(writer);
      beside = Optional.of(path);
    } catch (IOException e) {
      throw FileFailures.cannotWrite(path, e);
    }
    int[] some = new int[1 << 12];
    for (int from = 0; from < memory.length(); from += some.length) {
      int n = Math.min(some.length, memory.length() - from);
      memory.read(from, some, 0, n);
      file.get().add(java.util.Arrays.copyOf(some, n));
    }
    memory.clear();
  }

  private static Path temporary() {
    try {
      Path path = Files.createTempFile("anneal-tokens", "");
      Files.delete(path);
      path.toFile().deleteOnExit();
      return path;
    } catch (IOException e) {
      throw FileFailures.cannotWrite(Path.of(System.getProperty("java.io.tmpdir", "/tmp")), e);
    }
  }

  /** All that came, as a corpus. */
  TextCorpus finish(long documents) {
    if (file.isEmpty()) {
      memory.trim();
      return new TextCorpus(new TextTokens(name, tokenizer, memory), documents);
    }
    file.get().finish(documents);
    Path written = beside.orElseThrow();
    Path kept = inCache ? cache.keep(written, key) : written;
    TextCorpus corpus = TokenFile.open(kept, name, tokenizer).orElseThrow();
    return inCache
        ? corpus
        : corpus.withNotes(
            List.of(
                "the tokens of %s are kept in %s for this run only, since %s cannot be written to"
                    .formatted(name, kept.getParent(), cache.directory().directory())));
  }

  @Override
  public void close() {
    file.ifPresent(TokenFile.Writer::close);
    try {
      if (beside.isPresent()) {
        // Unless it was kept. Who has opened it goes on reading it.
        Files.deleteIfExists(beside.get());
      }
    } catch (IOException e) {
      throw FileFailures.cannotWrite(beside.get(), e);
    }
  }
}
